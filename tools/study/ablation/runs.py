"""The runs of an ablation study: every option file of options/ablation with every seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint_folder import checkpoint_path
from engine.experiment import ExperimentOptions
from engine.run_folder import run_folder
from options.errors import UserError
from options.read import read_options

REPOSITORY = Path(__file__).resolve().parents[3]
ABLATIONS = REPOSITORY / "options" / "ablation"
REFERENCE = "full"
"""The one that the others are compared with."""


@dataclass(frozen=True, slots=True)
class AblationRun:
    """One run."""

    option_file: Path
    overrides: tuple[str, ...]
    options: ExperimentOptions
    """As read from both."""


def ablation_runs(study: str, seeds: Sequence[int], overrides: Sequence[str]) -> list[AblationRun]:
    """Return the runs <study>_<option file>-seed<N>, seed by seed, the reference first.

    Raises UserError where the overrides do not go with an option file, or a run was begun with other options.
    """
    files = sorted(ABLATIONS.glob("*.yml"), key=lambda file: (file.stem != REFERENCE, file.stem))
    return [_run(file, (*overrides, f"name={study}_{file.stem}-seed{seed}", f"seed={seed}"))
            for seed in seeds for file in files]  # fmt: skip


def _run(file: Path, overrides: tuple[str, ...]) -> AblationRun:
    options = read_options(ExperimentOptions, file, overrides)
    before = run_folder(options.name).options
    # Training would go on with some other options, from a state that no run of these alone has.
    if before.exists() and read_options(ExperimentOptions, before) != options:
        raise UserError(
            f"{before}: this run was begun with other options, so it cannot stand beside the others; give them again, "
            "or name a new study (--study NAME)"
        )
    return AblationRun(file, overrides, options)


def is_done(run: AblationRun) -> bool:
    """Whether the run has been trained and evaluated to its last step."""
    folder = run_folder(run.options.name)
    last = checkpoint_path(folder.checkpoints, run.options.train.steps)
    if not last.is_dir():
        return False
    # torch, which this imports, is not needed while nothing is done.
    from engine.checkpoint import read_state

    try:
        state = read_state(last)
        recorded = json.loads(folder.result.read_text(encoding="utf-8"))["step"]
    except (OSError, UserError):
        return False  # what is wrong is told by training, which goes on from what is whole
    return not state.evaluation_due and bool(recorded == state.best_step)
