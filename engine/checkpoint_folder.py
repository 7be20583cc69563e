"""The folder of a run's checkpoints: which there are, which are whole, which are kept."""

import shutil
from pathlib import Path
from typing import NamedTuple

from engine.checksums import DamagedError, check_files
from engine.disk import WRITING
from options.errors import UserError

PREFIX, DAMAGED, REPLACED = "step_", "damaged_", f"{WRITING}replaced_"


class Resumption(NamedTuple):
    """Where a run goes on."""

    checkpoint: Path | None
    """None where it starts"""
    warnings: tuple[str, ...]
    """What is wrong with later checkpoints, which were set aside."""


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return the path of the checkpoint of a step."""
    return folder / f"{PREFIX}{step:08d}"


def rule_path(checkpoint: Path) -> Path:
    """Return the file beside a checkpoint that holds the decision rule chosen for it."""
    return checkpoint.with_name(f"{checkpoint.name}.threshold.json")


def former_path(checkpoint: Path) -> Path:
    """Return where the checkpoint of a step is for the moment in which another of that step takes its name."""
    return checkpoint.with_name(REPLACED + checkpoint.name)


def all_checkpoints(folder: Path) -> list[Path]:
    """Return all checkpoints, in order of their steps; raises UserError for a folder that cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.name.startswith(PREFIX) and path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{folder}: the checkpoints cannot be read: {error.strerror}") from error


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the highest step, if there is any."""
    return max(all_checkpoints(folder), default=None)


def find_resumption(folder: Path) -> Resumption:
    """Return the latest checkpoint that is whole; damaged later ones are set aside as damaged_step_*.

    Raises UserError where there are checkpoints and none is whole, or one cannot be read.
    """
    _finish_replacement(folder)
    damaged: dict[Path, str] = {}
    for checkpoint in reversed(all_checkpoints(folder)):
        try:
            check_files(checkpoint)
        except DamagedError as error:
            damaged[checkpoint] = str(error)
        else:
            for passed_over in damaged:
                _set_aside(passed_over)
            return Resumption(checkpoint, tuple(damaged.values()))
    if damaged:
        faults = "\n  ".join(damaged.values())
        raise UserError(f"{folder}: no checkpoint is whole:\n  {faults}\nMove that folder away to start anew.")
    return Resumption(None, ())


def delete_old(folder: Path, keep: int, best: Path | None) -> None:
    """Delete all but the latest `keep` checkpoints and the best, and what a killed save left behind."""
    for checkpoint in all_checkpoints(folder)[:-keep]:
        if checkpoint != best:
            _remove(checkpoint)
    for leftover in folder.glob(f"{WRITING}*"):
        shutil.rmtree(leftover)


def _finish_replacement(folder: Path) -> None:
    """Bring back what a save that was killed between the two renames had put out of the way."""
    for replaced in folder.glob(f"{REPLACED}*"):
        checkpoint = folder / replaced.name.removeprefix(REPLACED)
        if not checkpoint.exists():
            replaced.rename(checkpoint)


def _remove(checkpoint: Path) -> None:
    """Delete a checkpoint so that it is gone from view before its files go."""
    hidden = checkpoint.with_name(f"{WRITING}deleted_{checkpoint.name}")
    checkpoint.rename(hidden)
    shutil.rmtree(hidden)
    rule_path(checkpoint).unlink(missing_ok=True)


def _set_aside(checkpoint: Path) -> None:
    """Rename a damaged checkpoint; of earlier damaged ones none is kept, so that the disk does not fill up."""
    for former in checkpoint.parent.glob(f"{DAMAGED}{PREFIX}*"):
        shutil.rmtree(former)
    checkpoint.rename(checkpoint.with_name(DAMAGED + checkpoint.name))
