"""The checkpoint that a command names, and whether its validation pairs may choose anything."""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from data.item_pair import parse_pair
from data.jsonl import Record, read_records
from engine.checkpoint import STATE, best_checkpoint, read_state
from engine.validation_scores import ValidationScores
from options.errors import UserError


def checkpoint_of(path: Path) -> Path:
    """Return a checkpoint's folder, or the best one of a run's folder; raises UserError where there is none."""
    if (path / STATE).is_file():
        return path
    best = best_checkpoint(path / "checkpoints")
    if best is None:
        raise UserError(f"{path}: is no checkpoint and no folder of a run that has one (experiments/<name>)")
    return best


def refuse_test_pairs(checkpoint: Path, scores: ValidationScores) -> str | None:
    """Raise UserError where a validation pair is one of data.test, whose labels may choose nothing.

    Returns what to tell where that cannot be seen, since the file of the test pairs is not here.
    """
    file = _test_pairs(checkpoint)
    if file is None:
        return None
    if not file.exists():
        return f"{file}, the pairs of data.test, is not here: whether they are the validation pairs was not looked at"
    test = {frozenset(_ids(file, number, record)) for number, record in read_records(file)}
    for ids in scores.pair_ids:
        if frozenset(ids) in test:
            raise UserError(
                f"{checkpoint}: the validation pair of items {ids[0]} and {ids[1]} is one of data.test ({file}); a "
                "threshold that is chosen on test labels says nothing about new pairs. Validate on other pairs"
            )
    return None


def _test_pairs(checkpoint: Path) -> Path | None:
    """Return the file that data.test.pairs named in the run that wrote a checkpoint."""
    found: JsonValue = dict(read_state(checkpoint).run.options)
    for key in ("data", "test", "pairs"):
        found = found.get(key) if isinstance(found, dict) else None
    return Path(found) if isinstance(found, str) else None


def _ids(file: Path, number: int, record: Record) -> tuple[str, str]:
    pair = parse_pair(file, number, record)
    return pair.source_id, pair.target_id
