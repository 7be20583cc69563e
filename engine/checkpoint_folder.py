"""The folder of a run's checkpoints: which there are, which are whole, which are kept."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.checksums import SUMS, DamagedError, check_files
from engine.disk import WRITING, read_json
from options.errors import UserError

RECORD = "state.json"
DAMAGED, REPLACED = "damaged_", f"{WRITING}replaced_"
NAME = re.compile("step_([0-9]{8}|[1-9][0-9]{8,})")


@dataclass(frozen=True, slots=True)
class StepRecord:
    """The step of a record that has one."""

    step: int


class Resumption(NamedTuple):
    """Where a run goes on."""

    checkpoint: Path | None
    """None where it starts"""
    warnings: tuple[str, ...]
    """What is wrong with later checkpoints, which were set aside, and with folders of their names."""


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return the path of the checkpoint of a step."""
    return folder / f"step_{step:08d}"


def rule_path(checkpoint: Path) -> Path:
    """Return the file beside a checkpoint that holds the decision rule chosen for it."""
    return checkpoint.with_name(f"{checkpoint.name}.threshold.json")


def decider_path(checkpoint: Path) -> Path:
    """Return the file beside a checkpoint that holds the second stage fitted to it."""
    return checkpoint.with_name(f"{checkpoint.name}.decider.safetensors")


def former_path(checkpoint: Path) -> Path:
    """Return where the checkpoint of a step is for the moment in which another of that step takes its name."""
    return checkpoint.with_name(REPLACED + checkpoint.name)


def is_checkpoint(path: Path) -> bool:
    """Return whether a folder is the checkpoint that its name says, whole or damaged, and not the user's own.

    The user's own are those of other names, those without any file of ours, and copies of another step.
    """
    if NAME.fullmatch(path.name) is None or not path.is_dir():
        return False
    try:
        record = read_json(path / RECORD, StepRecord)
    except UserError:
        return True
    return (path / SUMS).is_file() if record is None else path == checkpoint_path(path.parent, record.step)


def all_checkpoints(folder: Path) -> list[Path]:
    """Return all checkpoints, in order of their steps; raises UserError for a folder that cannot be read."""
    try:
        return sorted(filter(is_checkpoint, folder.iterdir()), key=lambda path: (len(path.name), path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{folder}: the checkpoints cannot be read: {error.strerror}") from error


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the highest step, if there is any."""
    return next(reversed(all_checkpoints(folder)), None)


def find_resumption(folder: Path) -> Resumption:
    """Return the latest checkpoint that is whole; damaged later ones are set aside as damaged_step_*.

    Raises UserError where there are checkpoints and none is whole, or one cannot be read.
    """
    _finish_replacement(folder)
    named = [path for path in sorted(folder.glob("step_*")) if NAME.fullmatch(path.name) and not is_checkpoint(path)]
    strange = tuple(f"{path}: holds no checkpoint of that step, and is passed over" for path in named)
    damaged: dict[Path, str] = {}
    for checkpoint in reversed(all_checkpoints(folder)):
        try:
            check_files(checkpoint)
        except DamagedError as error:
            damaged[checkpoint] = str(error)
        else:
            for passed_over in damaged:
                _set_aside(passed_over)
            return Resumption(checkpoint, (*damaged.values(), *strange))
    if damaged:
        faults = "\n  ".join(damaged.values())
        raise UserError(f"{folder}: no checkpoint is whole:\n  {faults}\nMove that folder away to start anew.")
    return Resumption(None, strange)


def delete_old(folder: Path, keep: int, *needed: Path) -> None:
    """Delete all but the latest `keep` checkpoints and those needed, and what a killed save left behind."""
    for checkpoint in all_checkpoints(folder)[:-keep]:
        if checkpoint not in needed:
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
    for beside in (rule_path(checkpoint), decider_path(checkpoint)):
        beside.unlink(missing_ok=True)


def _set_aside(checkpoint: Path) -> None:
    """Rename a damaged checkpoint; of earlier damaged ones none is kept, so that the disk does not fill up."""
    for former in checkpoint.parent.glob(f"{DAMAGED}*"):
        if NAME.fullmatch(former.name.removeprefix(DAMAGED)):
            shutil.rmtree(former)
    checkpoint.rename(checkpoint.with_name(DAMAGED + checkpoint.name))
