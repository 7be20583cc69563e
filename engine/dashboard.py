"""Where the course of training can be looked at while it goes on."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Protocol

from engine.evaluation_view import EvaluationView
from engine.experiment import ExperimentOptions
from engine.options import LogOptions
from engine.run_folder import RunFolder
from options.errors import UserError
from options.install import install_command


class Dashboard(Protocol):
    """Shows figures by step; only the first process has any."""

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Show figures, named group/figure."""

    def evaluation(self, step: int, view: EvaluationView) -> None:
        """Show what is worth looking at in an evaluation."""

    def close(self, failed: bool) -> None:
        """Write what is left; `failed` tells whether training ended by an error."""


def check_dashboards(options: LogOptions) -> None:
    """Raise UserError where a dashboard's package is not installed."""
    # A folder named wandb, which runs may leave behind, is found as a package without an origin.
    found = find_spec("wandb") if options.wandb is not None else None
    if options.wandb is not None and (found is None or found.origin is None):
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
        from engine.wandb_dashboard import WandbDashboard

        dashboards.append(WandbDashboard(options.log.wandb, options, folder))
    if options.log.tensorboard:
        from engine.tensorboard_dashboard import TensorboardDashboard

        dashboards.append(TensorboardDashboard(folder.tensorboard, first_step))
    return dashboards
