"""Hold the interval of a demo run's F1 against fresh pairs: python -m benchmarks.fresh_pairs RUN [--seed 1]

RUN is the name of a run on the demo's data or its folder. A catalogue of another seed is made in a temporary folder and
decided at the calibrated threshold. Exit status 1 where its F1 is outside the interval that validation gave, as happens
to right intervals, too, once in twenty times or a little more.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import at_least_one
from data.options import SplitOptions
from engine.checkpoint import read_state
from engine.decision_rule import EstimatedFigure, find_rule
from engine.distributed import Processes, started_processes
from engine.evaluator import Evaluation
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import checkpoint_of
from engine.predictor import run_prediction
from engine.run_folder import RunFolder
from options.errors import UserError, exit_on_user_error
from options.read import read_options
from tools.preparation.demo.catalogue import DemoSettings
from tools.preparation.demo.write import write_demo_data
from tools.views.reporting.load_run import find_run

TEST_FRACTION = 0.8
"""Of the fresh catalogue: its other splits are of no use here."""


@dataclass(frozen=True, slots=True)
class FreshPairs:
    """F1 at the calibrated threshold: of the validation pairs, with its interval, and of fresh ones."""

    validation_f1: float
    low: float
    high: float
    fresh: Evaluation

    @property
    def is_within(self) -> bool:
        """Whether the F1 of the fresh pairs is in the interval."""
        return self.low <= self.fresh.f1 <= self.high


def decide_fresh_pairs(folder: RunFolder, items: int, seed: int, processes: Processes) -> FreshPairs:
    """Make a demo catalogue of another seed and decide its pairs by a run's best checkpoint and its rule.

    Raises UserError for a run without checkpoint or interval.
    """
    checkpoint = checkpoint_of(folder.root)
    known = _validation_f1(checkpoint)
    with TemporaryDirectory() as work:
        data = Path(work) / "data"
        settings = DemoSettings(data, items, seed, processes=os.cpu_count() or 1, test_fraction=TEST_FRACTION)
        write_demo_data(settings)
        prediction = run_prediction(_options(folder, checkpoint, data), processes)
    assert prediction is not None, "this is the only process"
    assert prediction.evaluation is not None, "demo pairs are labelled"
    return FreshPairs(known.value, known.low, known.high, prediction.evaluation)


def _validation_f1(checkpoint: Path) -> EstimatedFigure:
    """Return the F1 on the validation pairs of what decision_rule takes as calibrated."""
    chosen = find_rule(checkpoint)
    if chosen is not None:
        return chosen.figures["best_possible_f1"]
    found = read_state(checkpoint).evaluation
    if found is None or found.best_possible_f1_low is None or found.best_possible_f1_high is None:
        raise UserError(f"{checkpoint}: its evaluation has no interval of F1 that fresh pairs could be held against")
    return EstimatedFigure(found.best_possible_f1, found.best_possible_f1_low, found.best_possible_f1_high)


def _options(folder: RunFolder, checkpoint: Path, data: Path) -> ExperimentOptions:
    options = read_options(ExperimentOptions, folder.options)
    test = SplitOptions(
        items=data / "item_test_info.jsonl", pairs=data / "item_test_pair.jsonl", images=data / "item_images"
    )
    predict = {
        "split": "test",
        "checkpoint": str(checkpoint),
        "threshold": "calibrated",
        "output": data / "fresh.jsonl",
    }
    return options.model_copy(
        update={
            "data": options.data.model_copy(update={"test": test}),
            "predict": options.predict.model_copy(update=predict),
        }
    )


@exit_on_user_error()
def main() -> None:
    """Parse the command line, decide, print; ends with status 1 where F1 is outside."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="name of a run, or its folder")
    parser.add_argument("--items", type=at_least_one, default=6000, help="of the fresh catalogue (%(default)s)")
    parser.add_argument("--seed", type=at_least_one, default=1, help="of the fresh catalogue (%(default)s)")
    arguments = parser.parse_args()
    folder = find_run(arguments.run)
    with started_processes() as processes:
        found = decide_fresh_pairs(folder, arguments.items, arguments.seed, processes)
    print(
        f"at the calibrated threshold: best possible F1 {found.validation_f1:.4f} of the validation pairs, interval "
        f"{found.low:.4f} to {found.high:.4f}; F1 {found.fresh.f1:.4f} of {found.fresh.num_pairs:,} fresh pairs, "
        f"{'within' if found.is_within else 'outside'}"
    )
    sys.exit(0 if found.is_within else 1)


if __name__ == "__main__":
    main()
