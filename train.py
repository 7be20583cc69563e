"""Train a model: python train.py OPTION_FILE [section.key=value ...]"""

from typing import TYPE_CHECKING

from engine.command import fast_import, run_command
from engine.experiment import ExperimentOptions

if TYPE_CHECKING:
    from engine.distributed import Processes
    from engine.stop_request import StopRequest


def train(options: ExperimentOptions, command: str, processes: "Processes", stop: "StopRequest") -> None:
    """Train and print what the best checkpoint reached."""
    with fast_import():
        from engine.trainer import run_training

    result = run_training(options, command, processes, stop)
    if processes.is_first:
        figures = result.evaluation
        ends = (figures.best_possible_f1_low, figures.best_possible_f1_high)
        interval = f" ({ends[0]:.4f} to {ends[1]:.4f})" if ends != (None, None) else ""
        print(
            f"best checkpoint: {result.checkpoint} (step {result.step})\n"
            f"validation: best possible F1 {figures.best_possible_f1:.4f}{interval}, there precision "
            f"{figures.best_possible_precision:.4f}, recall {figures.best_possible_recall:.4f} and the calibrated "
            f"threshold {figures.best_possible_threshold:.4f}; F1 {figures.f1:.4f} at {figures.threshold:.4f}"
        )


if __name__ == "__main__":
    run_command("Train a model by an option file; run again to go on from the latest checkpoint.", train)
