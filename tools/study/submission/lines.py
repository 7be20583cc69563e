"""Read a submission file line by line and find the faults of each line."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from data.jsonl import Record, read_records, text_field
from options.errors import UserError

MAX_NUMBERS = 1024
"""Longest embedding of an item that is allowed."""
_KEYS = {"src_item_id", "src_item_emb", "tgt_item_id", "tgt_item_emb", "threshold"}


@dataclass(slots=True)
class Faults:
    """How often each kind of fault occurs, and the first place of it."""

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, place: str) -> None:
        """Count one fault."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.first.setdefault(kind, place)

    def __bool__(self) -> bool:
        return bool(self.counts)


@dataclass(frozen=True, slots=True)
class SubmissionLine:
    """A line whose embeddings and threshold can be used, with its pair."""

    number: int
    source: list[float]
    target: list[float]
    threshold: float
    same: bool | None
    """The pair file's label, if asked for."""


def read_submission(predictions: Path, pairs: Path, faults: Faults, *, labelled: bool) -> Iterator[SubmissionLine]:
    """Yield the usable lines of a submission, and count the faults of all into faults.

    Memory grows by a checksum for each item only.

    Raises:
        UserError: a file cannot be read, a line is no JSON object, or the pair file is malformed.
    """
    checksums: dict[str, bytes] = {}
    width: int | None = None
    for answer, question in zip_longest(read_records(predictions), read_records(pairs)):
        if answer is None or question is None:
            number = (answer or question or (0, {}))[0]
            faults.add("lines that the other file lacks", f"{predictions if answer else pairs}:{number}")
            continue
        number, record = answer
        place = f"{predictions}:{number}"
        ids = _ids(pairs, *question)
        if (record.get("src_item_id"), record.get("tgt_item_id")) != ids:
            faults.add("ids that are not those of the pair file's line", f"{place}, where {ids} are due")
            continue
        if set(record) != _KEYS:
            faults.add("other keys than the five", f"{place}: {sorted(set(record) ^ _KEYS)}")
        sides = [_embedding(record, side, place, faults) for side in ("src_item_emb", "tgt_item_emb")]
        for item_id, side in zip(ids, ("src_item_emb", "tgt_item_emb"), strict=True):
            checksum = hashlib.sha256(str(record.get(side)).encode("utf-8", "backslashreplace")).digest()
            if checksums.setdefault(item_id, checksum) != checksum:
                faults.add("items with more than one embedding", f"{place}: item {item_id!r}")
        threshold = _threshold(record, place, faults)
        source, target = sides
        if source is None or target is None or threshold is None:
            continue
        width = width or len(source)
        if not len(source) == len(target) == width:
            faults.add("embeddings of different lengths", place)
            continue
        yield SubmissionLine(number, source, target, threshold, _label(pairs, *question) if labelled else None)


def _ids(file: Path, number: int, record: Record) -> tuple[str, str]:
    return text_field(file, number, record, "src_item_id"), text_field(file, number, record, "tgt_item_id")


def _label(file: Path, number: int, record: Record) -> bool:
    label = text_field(file, number, record, "item_label")
    if label not in ("0", "1"):
        raise UserError(f"""{file}:{number}: 'item_label' should be the string "0" or "1", not {label!r}""")
    return label == "1"


def _embedding(record: Record, key: str, place: str, faults: Faults) -> list[float] | None:
    text = record.get(key)
    if not isinstance(text, str):
        faults.add("embeddings that are no strings", f"{place}: {key}")
        return None
    try:
        numbers = json.loads(text)
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(numbers, list) or not all(type(number) in (int, float) for number in numbers):
        faults.add("embeddings that hold no JSON list of numbers", f"{place}: {key}")
        return None
    if not 1 <= len(numbers) <= MAX_NUMBERS:
        faults.add(f"embeddings with no or more than {MAX_NUMBERS} numbers", f"{place}: {key} has {len(numbers)}")
        return None
    if not all(abs(number) < 1e300 for number in numbers):
        faults.add("embeddings with numbers that are not finite", f"{place}: {key}")
        return None
    return [float(number) for number in numbers]


def _threshold(record: Record, place: str, faults: Faults) -> float | None:
    threshold = record.get("threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not math.isfinite(threshold):
        faults.add("thresholds that are no finite numbers", place)
        return None
    return float(threshold)
