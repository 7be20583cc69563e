"""Where the course of training can be looked at while it goes on: TensorBoard, Weights & Biases.

Their packages are imported by the dashboards that are opened alone.
"""

import textwrap
import uuid
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.disk import write_text
from engine.evaluation_view import EvaluationView
from engine.experiment import ExperimentOptions
from engine.options import LogOptions
from engine.run_folder import RunFolder
from options.errors import UserError, install_command

LARGEST_DRAWN = 1e19
"""Of the numbers in a histogram: TensorBoard's bins end below 1e20."""


class TensorboardDashboard:
    """Writes event files; those of later steps, left by a killed run, are hidden by what comes now."""

    def __init__(self, folder: Path, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=first_step + 1)

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Write figures as scalars."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def evaluation(self, step: int, view: EvaluationView) -> None:
        """Write margins as histograms, the precision-recall curve, and the errors as an image and a text."""
        for name, margins in _histograms(view).items():
            self._writer.add_histogram(name, margins, step)
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
        if view.error_pictures is not None:
            self._writer.add_image("val/errors", view.error_pictures, step, dataformats="HWC")
        if view.error_caption:
            # Indented, Markdown shows it as it stands, whatever signs the sellers wrote in it.
            self._writer.add_text("val/errors", textwrap.indent(view.error_caption, "    ", lambda _: True), step)

    def close(self, failed: bool) -> None:
        """Write what is left, whether training ended by an error or not."""
        self._writer.close()


class WandbDashboard:
    """Sends figures and pictures to a project; a run that is started again goes on under its id."""

    def __init__(self, project: str, options: ExperimentOptions, folder: RunFolder) -> None:
        import wandb

        try:
            self._run = wandb.init(
                project=project,
                name=options.name,
                id=_run_id(folder.wandb_id),
                resume="allow",
                dir=str(folder.root),
                config=options.model_dump(mode="json"),
            )
        except wandb.Error as error:
            raise UserError(
                f"log.wandb={project}: {error}; run `wandb login`, set WANDB_MODE=offline, or set log.wandb=null"
            ) from error

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Send figures."""
        self._run.log(dict(figures), step=step)

    def evaluation(self, step: int, view: EvaluationView) -> None:
        """Send margins as histograms, the precision-recall curve as a line, and the errors as a captioned image."""
        import wandb

        curve = view.curve
        rows = np.stack([curve.recall, curve.precision], axis=1).tolist()
        points = wandb.Table(columns=["recall", "precision"], data=rows)
        content: dict[str, object] = {
            "val/precision_recall": wandb.plot.line(points, "recall", "precision", title="precision and recall")
        }
        for name, margins in _histograms(view).items():
            content[name] = wandb.Histogram(margins)
        if view.error_pictures is not None:
            content["val/errors"] = wandb.Image(view.error_pictures, caption=view.error_caption)
        self._run.log(content, step=step)

    def close(self, failed: bool) -> None:
        """Send what is left; `failed` tells whether training ended by an error."""
        self._run.finish(exit_code=1 if failed else 0)


def _histograms(view: EvaluationView) -> dict[str, NDArray[np.float64]]:
    """Return the margins of each histogram by its name: those that the dashboards can draw."""
    finite = {f"val/margins_{label}": margins[np.isfinite(margins)] for label, margins in view.margins.items()}
    return {name: margins.clip(-LARGEST_DRAWN, LARGEST_DRAWN) for name, margins in finite.items() if len(margins)}


def _run_id(file: Path) -> str:
    """Return the id kept in the run folder, a new one where there is none."""
    if not file.exists():
        write_text(file, f"{uuid.uuid4().hex}\n")
    return file.read_text(encoding="utf-8").strip()


Dashboard = TensorboardDashboard | WandbDashboard
"""Shows figures, named group/figure, and evaluations by step; only the first process has any."""


def check_dashboards(options: LogOptions) -> None:
    """Raise UserError where a dashboard's package is not installed."""
    # A folder named wandb, which runs may leave behind, is found as a package without an origin.
    if options.wandb is not None and ((found := find_spec("wandb")) is None or found.origin is None):
        raise UserError(
            f"log.wandb={options.wandb}: the package wandb is not installed; "
            f"run `{install_command('-r requirements-wandb.txt')}`, or set log.wandb=null"
        )


def open_dashboards(options: ExperimentOptions, folder: RunFolder, first_step: int) -> Sequence[Dashboard]:
    """Open the dashboards of the options for a run that goes on from a step.

    Raises UserError for one that cannot be had.
    """
    dashboards: list[Dashboard] = []
    if options.log.wandb is not None:
        dashboards.append(WandbDashboard(options.log.wandb, options, folder))
    if options.log.tensorboard:
        dashboards.append(TensorboardDashboard(folder.tensorboard, first_step))
    return dashboards
