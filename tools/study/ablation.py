"""An ablation study: every option file of options/ablation with every seed, each run in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint_folder import StepRecord, checkpoint_path
from engine.disk import read_json
from engine.experiment import ExperimentOptions
from engine.launch import SIGNALS, end_with_parent
from engine.run_folder import run_folder
from options.errors import UserError
from options.read import read_options

REPOSITORY = Path(__file__).resolve().parents[2]
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

    @property
    def folder(self) -> Path:
        """experiments/<name>."""
        return run_folder(self.options.name).root


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
    if before.exists() and read_options(ExperimentOptions, before) != options.prepared():
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
        recorded = read_json(folder.result, StepRecord)
    except UserError:
        return False  # what is wrong is told by training, which goes on from what is whole
    return not state.evaluation_due and recorded is not None and recorded.step == state.best_step


def train(run: AblationRun) -> int:
    """Train a run from where it is; return the exit status of training."""
    command = ["-m", "engine.launch", str(REPOSITORY / "train.py"), str(run.option_file), *run.overrides]
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    return run_forwarding_signals([sys.executable, *command], {**os.environ, "PYTHONPATH": path})


def run_forwarding_signals(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; return its exit status, 128 + N where signal N ended it."""
    # In a session of its own it gets Ctrl-C once, from here: a second one would end it without saving.
    with subprocess.Popen(
        command, env=environment, start_new_session=True, preexec_fn=end_with_parent
    ) as process, _forwarded_to(process):  # fmt: skip
        status = process.wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _forwarded_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    before = {number: signal.signal(number, lambda sent, _: process.send_signal(sent)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
