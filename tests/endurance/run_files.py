"""What a run's files tell from outside, also while it is written."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path

OPENING = re.compile(r" (?:starts|goes on from \S+) at step (\d+) of ")
SUMS = "SHA256SUMS"


def opening_steps(run: Path) -> list[int]:
    """Return the step at which each start of the run began to train, as train.log says."""
    return [int(step) for step in OPENING.findall(_text(run / "train.log"))]


def course(run: Path) -> list[dict[str, float]]:
    """Return the whole lines of metrics.jsonl, without figures that depend on the clock."""
    lines = [json.loads(line) for line in _text(run / "metrics.jsonl").split("\n") if line.endswith("}")]
    return [{name: value for name, value in line.items() if name != "pairs_per_second"} for line in lines]


def checkpoints(run: Path) -> list[Path]:
    """Return the checkpoints by step, the latest last."""
    return sorted((run / "checkpoints").glob("step_*"))


def checkpoint_name(step: int) -> str:
    """Return the name of the checkpoint of a step."""
    return f"step_{step:08d}"


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint's name says."""
    return int(checkpoint.name.removeprefix("step_"))


def half_written(run: Path) -> set[tuple[str, int]]:
    """Return the names and times of the checkpoints that are being written, or were left so by a kill."""
    found = set()
    for folder in (run / "checkpoints").glob(".writing_*"):
        with suppress(FileNotFoundError):  # it may get its final name at this very moment
            found.add((folder.name, folder.stat().st_mtime_ns))
    return found


def checkpoint_faults(checkpoint: Path) -> list[str]:
    """Return which files of a checkpoint are not what its SHA256SUMS says, worked out anew."""
    sums = _text(checkpoint / SUMS).splitlines()
    if not sums:
        return [f"{checkpoint.name} has no {SUMS}"]
    faults = []
    for line in sums:
        expected, name = line[:64], line[66:]
        file = checkpoint / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            faults.append(f"{checkpoint.name}/{name} is not what {SUMS} says")
    return faults


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
