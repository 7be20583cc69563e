"""All readable lines of a pair file, in arrays."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.item import ItemPair
from data.item_pair import parse_pair
from data.jsonl import DataError, read_records_or_faults
from tools.preparation.audit.finding import Finding, Severity

UNLABELLED = -1


@dataclass(frozen=True, slots=True)
class PairLines:
    """B pairs in the order of their file."""

    file: Path
    numbers: dict[str, int] = field(default_factory=dict)
    """A number for each item id, from 0 in order of first appearance."""
    sources: array[int] = field(default_factory=lambda: array("q"))
    """(B,) numbers of items"""
    targets: array[int] = field(default_factory=lambda: array("q"))
    """(B,) numbers of items"""
    labels: array[int] = field(default_factory=lambda: array("b"))
    """(B,) 1 the same, 0 different, -1 unlabelled"""
    lines: array[int] = field(default_factory=lambda: array("q"))
    """(B,) numbers of lines, from 1"""

    def __len__(self) -> int:
        return len(self.lines)

    def append(self, line: int, pair: ItemPair) -> None:
        """Add the pair of a line."""
        self.lines.append(line)
        self.sources.append(self.numbers.setdefault(pair.source_id, len(self.numbers)))
        self.targets.append(self.numbers.setdefault(pair.target_id, len(self.numbers)))
        self.labels.append(UNLABELLED if pair.same is None else int(pair.same))

    def ends(self) -> NDArray[np.int64]:
        """Return the numbers of the items of each pair: (B, 2)."""
        return np.stack([np.asarray(self.sources, np.int64), np.asarray(self.targets, np.int64)], axis=1)

    def count(self, label: int) -> int:
        """Return how many pairs have this label."""
        return self.labels.count(label)


def read_pair_lines(split: str, file: Path, report: Callable[[Finding], None]) -> PairLines:
    """Read what can be read of a pair file, and report the rest."""
    pairs = PairLines(file)
    is_empty = True
    try:
        for line, record in read_records_or_faults(file):
            is_empty = False
            try:
                if isinstance(record, DataError):
                    raise record
                pairs.append(line, parse_pair(file, line, record))
            except DataError as fault:
                report(Finding("pair-malformed", Severity.FAULT, split, file, line, fault.reason))
    except DataError as fault:
        report(unreadable_file(split, file, fault))
        return pairs
    if is_empty:
        report(Finding("file-empty", Severity.FAULT, split, file, None, "has no pairs"))
    return pairs


def unreadable_file(split: str, file: Path, fault: DataError) -> Finding:
    """Return the finding of a file that cannot be opened or read to its end."""
    if file.exists():
        return Finding("file-unreadable", Severity.FAULT, split, file, None, fault.reason)
    return Finding("file-missing", Severity.FAULT, split, file, None, "does not exist")
