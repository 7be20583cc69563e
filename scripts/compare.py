"""Compare systems on the same labelled pairs: python scripts/compare.py RUN_OR_FILE RUN_OR_FILE [...]

A run's folder (experiments/<name>) or a checkpoint is compared by its kept validation scores, without its model; a
submission file by its decisions on the pairs of --pairs. The first is what the others are compared with. Runs whose
names differ in -seed0, -seed1 ... alone are one system, whose figures are the means over them.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import at_least_one, seed_number


@exit_on_user_error()
def main() -> None:
    """Parse the command line, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, metavar="RUN_OR_FILE")
    parser.add_argument("others", type=Path, nargs="+", metavar="RUN_OR_FILE")
    parser.add_argument("--pairs", type=Path, metavar="PAIR_FILE", help="labelled pairs that the files answer")
    parser.add_argument(
        "--threshold", choices=("calibrated", "learned"), default="calibrated", help="of runs (%(default)s)"
    )
    parser.add_argument("--replicates", type=at_least_one, default=1000, help="draws of the bootstrap (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=0, help="of the bootstrap (%(default)s)")
    arguments = parser.parse_args()
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from tools.study.deciding.comparison import compare, comparison_lines
    from tools.study.deciding.systems import join_seeds, system_of

    paths = (arguments.first, *arguments.others)
    systems = join_seeds(system_of(path, arguments.pairs, arguments.threshold) for path in paths)
    if len(systems) == 1:
        parser.error(
            f"these are runs of {systems[0].name} with other seeds, which are one system: give another one besides, or "
            "the runs' checkpoints"
        )
    print("\n".join(comparison_lines(compare(systems, arguments.replicates, arguments.seed))))


if __name__ == "__main__":
    main()
