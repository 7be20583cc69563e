"""The course of training on Weights & Biases."""

import uuid
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import wandb

from engine.evaluation_view import EvaluationView
from engine.experiment import ExperimentOptions
from engine.run_folder import RunFolder, write_text
from options.errors import UserError


class WandbDashboard:
    """Sends figures and pictures to a project; a run that is started again goes on under its id."""

    def __init__(self, project: str, options: ExperimentOptions, folder: RunFolder) -> None:
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
        curve = view.curve
        rows = np.stack([curve.recall, curve.precision], axis=1).tolist()
        points = wandb.Table(columns=["recall", "precision"], data=rows)
        content: dict[str, object] = {
            "val/precision_recall": wandb.plot.line(points, "recall", "precision", title="precision and recall")
        }
        for name, margins in (("same", view.margins_same), ("different", view.margins_different)):
            if len(margins):
                content[f"val/margins_{name}"] = wandb.Histogram(margins)
        if view.error_pictures is not None:
            content["val/errors"] = wandb.Image(view.error_pictures, caption=view.error_caption)
        self._run.log(content, step=step)

    def close(self, failed: bool) -> None:
        """Send what is left."""
        self._run.finish(exit_code=1 if failed else 0)


def _run_id(file: Path) -> str:
    """Return the id kept in the run folder, a new one where there is none."""
    if not file.exists():
        write_text(file, f"{uuid.uuid4().hex}\n")
    return file.read_text(encoding="utf-8").strip()
