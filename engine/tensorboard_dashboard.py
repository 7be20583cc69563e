"""The course of training as TensorBoard event files."""

from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from engine.evaluation_view import EvaluationView


class TensorboardDashboard:
    """Writes event files; those of later steps, left by a killed run, are hidden by what comes now."""

    def __init__(self, folder: Path, first_step: int) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=first_step + 1)

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Write figures as scalars."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def evaluation(self, step: int, view: EvaluationView) -> None:
        """Write margins as histograms, the precision-recall curve, and the errors as an image and a text."""
        for name, margins in (("same", view.margins_same), ("different", view.margins_different)):
            if len(margins):
                self._writer.add_histogram(f"val/margins_{name}", margins, step)
        self._precision_recall(step, view)
        if view.error_pictures is not None:
            self._writer.add_image("val/errors", view.error_pictures, step, dataformats="HWC")
        if view.error_caption:
            self._writer.add_text("val/errors", _verbatim(view.error_caption), step)

    def close(self, failed: bool) -> None:
        """Write what is left."""
        self._writer.close()

    def _precision_recall(self, step: int, view: EvaluationView) -> None:
        curve = view.curve
        false_hits = curve.num_predicted - curve.num_hits
        misses = curve.num_positives - curve.num_hits
        self._writer.add_pr_curve_raw(
            "val/precision_recall",
            true_positive_counts=curve.num_hits,
            false_positive_counts=false_hits,
            true_negative_counts=curve.num_pairs - curve.num_predicted - misses,
            false_negative_counts=misses,
            precision=curve.precision,
            recall=curve.recall,
            global_step=step,
            num_thresholds=len(curve.thresholds),
        )


def _verbatim(text: str) -> str:
    """Return the Markdown of a text that is shown as it stands, whatever signs the sellers wrote in it."""
    return "\n".join(f"    {line}" for line in text.splitlines())
