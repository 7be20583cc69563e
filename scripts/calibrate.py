"""Choose the decision threshold of a checkpoint on its validation pairs: python scripts/calibrate.py RUN_OR_CHECKPOINT

A run's folder (experiments/<name>) stands for its best checkpoint. The rule is kept beside the checkpoint, as
<checkpoint>.threshold.json, and applied by predict.threshold=calibrated.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from metrics.category_thresholds import SHRINKAGE
from metrics.criterion import Criterion, parse_criterion
from options.errors import exit_on_user_error
from scripts.arguments import at_least_one, positive_number, seed_number


def criterion(text: str) -> Criterion:
    """Parse a criterion of the command line."""
    try:
        return parse_criterion(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ends with status 2 on a wrong one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "path", type=Path, metavar="RUN_OR_CHECKPOINT", help="experiments/<name>, or a checkpoint in it"
    )
    parser.add_argument(
        "--criterion",
        type=criterion,
        default=Criterion("f1"),
        metavar="f1 | precision=X | recall=X | positives=N",
        help="highest F1; highest recall of at least that precision; highest precision of at least that recall; as "
        "many positives (%(default)s)",
    )
    parser.add_argument("--per-category", action="store_true", help="a threshold for each category, where that helps")
    parser.add_argument(
        "--shrinkage",
        type=positive_number,
        default=SHRINKAGE,
        metavar="PAIRS",
        help="pairs of a category at which its threshold lies midway to the one of all pairs (%(default)g)",
    )
    parser.add_argument("--replicates", type=at_least_one, default=1000, help="draws of the bootstrap (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=0, help="of the bootstrap and the folds (%(default)s)")
    parsed = parser.parse_args(argv)
    if parsed.per_category and parsed.criterion.name == "positives":
        parser.error("--per-category: a number of positives is one of all pairs, not of each category")
    return parsed


@exit_on_user_error()
def main() -> None:
    """Choose, keep and print."""
    parsed = arguments()
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from engine.decision_rule import write_rule
    from engine.named_checkpoint import checkpoint_of
    from tools.study.deciding.calibration import CalibrationSettings, calibrate
    from tools.study.deciding.table import calibration_lines

    checkpoint = checkpoint_of(parsed.path)
    settings = CalibrationSettings(
        parsed.criterion, parsed.per_category, parsed.shrinkage, parsed.replicates, parsed.seed
    )
    calibration = calibrate(checkpoint, settings)
    print("\n".join(calibration_lines(calibration)))
    print(f"kept in {write_rule(checkpoint, calibration.record)}")


if __name__ == "__main__":
    main()
