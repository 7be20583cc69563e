"""The pairs of a split: the readable lines of their file, and what can be wrong with them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.item import ItemPair
from data.item_pair import connected_components, parse_pair
from options.printable import quoted
from tools.preparation.audit.finding import Finding, Severity, readable_lines

UNLABELLED = -1
WORDS = {UNLABELLED: "unlabelled", 0: "different", 1: "the same"}


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
    parse = partial(parse_pair, file)
    for line, pair in readable_lines(split, file, parse, report, malformed="pair-malformed", empty="has no pairs"):
        pairs.append(line, pair)
    return pairs


def pair_findings(split: str, pairs: PairLines) -> Iterator[Finding]:
    """Yield what the pairs by themselves show."""
    yield from repeated_pairs(split, pairs)
    yield from contradictory_chains(split, pairs)
    yield from label_findings(split, pairs)


def dangling_ids(split: str, pairs: PairLines, known: Container[str]) -> Iterator[Finding]:
    """Yield a fault for every pair and id that the item file lacks."""
    unknown = {number: item_id for item_id, number in pairs.numbers.items() if item_id not in known}
    if not unknown:
        return
    for line, *ends in zip(pairs.lines, pairs.sources, pairs.targets, strict=True):
        for number in dict.fromkeys(ends):
            if number in unknown:
                item_id = unknown[number]
                message = f"item {quoted(item_id)} is not in the item file"
                yield Finding("pair-dangling", Severity.FAULT, split, pairs.file, line, message, (item_id,))


def repeated_pairs(split: str, pairs: PairLines) -> Iterator[Finding]:
    """Yield pairs of an item with itself, and pairs that were there before, in any order and with any label."""
    ids = list(pairs.numbers)
    lines: dict[tuple[int, int, int], int] = {}
    for line, source, target, label in zip(pairs.lines, pairs.sources, pairs.targets, pairs.labels, strict=True):
        items = ids[source], ids[target]
        low, high = sorted((source, target))
        if source == target:
            severity = Severity.FAULT if label == 0 else Severity.WARNING
            message = f"item {quoted(items[0])} is paired with itself, labelled {WORDS[label]}"
            yield Finding("pair-of-itself", severity, split, pairs.file, line, message, items[:1])
        names = " and ".join(map(quoted, items))
        opposite = lines.get((low, high, 1 - label)) if label != UNLABELLED else None
        earlier = next((lines[key] for other in WORDS if (key := (low, high, other)) in lines), None)
        if opposite is not None:
            message = f"{names} are {WORDS[label]}, on line {opposite} {WORDS[1 - label]}"
            yield Finding("pair-contradictory", Severity.FAULT, split, pairs.file, line, message, items)
        elif earlier is not None:
            message = f"{names} were already paired on line {earlier}"
            yield Finding("pair-repeated", Severity.WARNING, split, pairs.file, line, message, items)
        lines.setdefault((low, high, label), line)


def contradictory_chains(split: str, pairs: PairLines) -> Iterator[Finding]:
    """Yield the pairs labelled different of which other pairs, labelled the same, make one product."""
    if not pairs:
        return
    ends, labels = pairs.ends(), np.asarray(pairs.labels)
    product = connected_components(len(pairs.numbers), ends[labels == 1])
    in_chain = (labels == 0) & (product[ends[:, 0]] == product[ends[:, 1]]) & (ends[:, 0] != ends[:, 1])
    if not in_chain.any():
        return
    same = {frozenset(pair) for pair in ends[labels == 1].tolist()}
    ids = list(pairs.numbers)
    for place in np.flatnonzero(in_chain).tolist():
        source, target = ends[place].tolist()
        if {source, target} not in same:  # else it is a contradiction of two lines
            items = ids[source], ids[target]
            message = f"{quoted(items[0])} and {quoted(items[1])} are different, but a chain of same pairs joins them"
            yield Finding("pair-chain", Severity.WARNING, split, pairs.file, pairs.lines[place], message, items)


def shared_pair_findings(val: PairLines, test: PairLines) -> Iterator[Finding]:
    """Yield one warning where pairs of test are validation pairs as well, on which thresholds are chosen."""
    known = set(_pair_ids(val))
    shared = [line for line, ids in zip(test.lines, _pair_ids(test), strict=True) if ids in known]
    if shared:
        message = (
            f"{len(shared):,} of {len(test):,} pairs, this one first, are pairs of data.val too; a threshold is "
            "calibrated without them by bash run.sh study calibrate RUN --drop-shared"
        )
        yield Finding("pair-shared", Severity.WARNING, "test", test.file, shared[0], message)


def _pair_ids(pairs: PairLines) -> list[frozenset[str]]:
    ids = list(pairs.numbers)
    ends = zip(pairs.sources, pairs.targets, strict=True)
    return [frozenset((ids[source], ids[target])) for source, target in ends]


def label_findings(split: str, pairs: PairLines) -> Iterator[Finding]:
    """Yield labels that are absent where they are needed, and labels that are all alike."""
    num_labelled = len(pairs) - pairs.count(UNLABELLED)
    if 0 < num_labelled < len(pairs) or (split != "test" and pairs.count(UNLABELLED)):
        reason = "which other pairs have" if num_labelled else "which training and evaluation need"
        for line, label in zip(pairs.lines, pairs.labels, strict=True):
            if label == UNLABELLED:
                message = f"has no 'item_label', {reason}"
                yield Finding("label-missing", Severity.FAULT, split, pairs.file, line, message)
    for label in (0, 1):
        if num_labelled and not pairs.count(label):
            severity = Severity.WARNING if split == "test" else Severity.FAULT
            message = f"no pair of {num_labelled:,} is labelled {WORDS[label]}"
            yield Finding("label-one-sided", severity, split, pairs.file, None, message)
