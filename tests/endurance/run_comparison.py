"""Whether two runs ended with the same bits."""

from __future__ import annotations

import json
from itertools import zip_longest
from pathlib import Path

from tests.endurance.run_files import checkpoint_name, checkpoints, course


def differences(reference: Path, run: Path) -> list[str]:
    """Return in what a finished run differs from an uninterrupted one, a sentence each.

    Compared are every file of the final and of the best checkpoint byte for byte, metrics.jsonl line by line
    but for the pairs per second, and metrics.json.
    """
    found = [difference for name in _decisive(reference) for difference in _of_checkpoint(reference, run, name)]
    if [*_decisive(reference)] != [*_decisive(run)]:
        found.append(f"final and best checkpoint are {_decisive(run)}, not {_decisive(reference)}")
    if not _same_bytes(reference / "metrics.json", run / "metrics.json"):
        found.append("metrics.json differs")
    return found + _of_courses(reference, run)


def _decisive(run: Path) -> list[str]:
    """Return the names of the final and the best checkpoint."""
    whole = [folder for folder in checkpoints(run) if (folder / "state.json").is_file()]
    if not whole:
        return []
    best_step = json.loads((whole[-1] / "state.json").read_text())["best_step"]
    return [whole[-1].name, checkpoint_name(best_step)]


def _of_checkpoint(reference: Path, run: Path, name: str) -> list[str]:
    first, second = (folder / "checkpoints" / name for folder in (reference, run))
    names = sorted({file.name for folder in (first, second) if folder.is_dir() for file in folder.iterdir()})
    return [f"{name}/{file} differs" for file in names if not _same_bytes(first / file, second / file)]


def _same_bytes(first: Path, second: Path) -> bool:
    return first.is_file() and second.is_file() and first.read_bytes() == second.read_bytes()


def _of_courses(reference: Path, run: Path) -> list[str]:
    for number, (expected, line) in enumerate(zip_longest(course(reference), course(run)), start=1):
        if line != expected:
            return [f"metrics.jsonl, line {number}: {line} instead of {expected}"]
    return []
