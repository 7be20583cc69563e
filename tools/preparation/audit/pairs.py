"""The pairs of a split: the readable lines of their file, and what can be wrong with them."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data.item import ItemPair
from data.item_pair import connected_components, parse_pair
from options.printable import quoted
from tools.preparation.audit.finding import FileFindings, Severity, readable_lines
from tools.preparation.audit.statements import seen

UNLABELLED = -1
WORDS = {UNLABELLED: "unlabelled", 0: "different", 1: "the same"}
KEYS = ("src_item_id", "tgt_item_id", "item_label", "kind")


@dataclass(frozen=True, slots=True)
class PairLines:
    """B pairs in the order of their file."""

    numbers: dict[str, int] = field(default_factory=dict)
    """A number for each item id, from 0 in order of first appearance."""
    _rows: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self._rows) // 4

    def append(self, line: int, pair: ItemPair) -> None:
        """Add the pair of a line."""
        ends = [self.numbers.setdefault(item_id, len(self.numbers)) for item_id in (pair.source_id, pair.target_id)]
        self._rows.extend((line, *ends, UNLABELLED if pair.same is None else int(pair.same)))

    @property
    def rows(self) -> NDArray[np.int64]:
        """Line from 1, numbers of both items, and label (1 the same, 0 different, -1 unlabelled) of each: (B, 4)."""
        return np.array(self._rows, np.int64).reshape(-1, 4)

    def ids(self) -> list[tuple[str, str]]:
        """Return the ids of the items of each pair."""
        ids = list(self.numbers)
        return [(ids[source], ids[target]) for source, target in self.rows[:, 1:3].tolist()]

    def count(self, label: int) -> int:
        """Return how many pairs have this label."""
        return int((self.rows[:, 3] == label).sum())


def audit_pairs(found: FileFindings) -> PairLines:
    """Return what can be read of a pair file, and report the rest and what the pairs by themselves show."""
    pairs = PairLines()
    for line, pair in readable_lines(found, partial(parse_pair, found.file), "pair", KEYS):
        pairs.append(line, pair)
    report_repeated(pairs, found)
    report_chains(pairs, found)
    report_labels(pairs, found)
    return pairs


def report_dangling(pairs: PairLines, known: Collection[str], found: FileFindings) -> None:
    """Report every pair and id that the item file lacks."""
    unknown = {number: item_id for item_id, number in pairs.numbers.items() if item_id not in known}
    if not unknown:
        return
    alike = {seen(item_id): item_id for item_id in known}
    for line, *ends in pairs.rows[:, :3].tolist():
        for number in dict.fromkeys(ends):
            if number in unknown:
                item_id = unknown[number]
                twin = alike.get(seen(item_id))
                hint = f", which has {quoted(twin)}: white space or width differs" if twin is not None else ""
                found.add("pair-dangling", line, f"item {quoted(item_id)} is not in the item file{hint}", item_id)


def report_repeated(pairs: PairLines, found: FileFindings) -> None:
    """Report pairs of an item with itself, and pairs that were there before, in any order and with any label."""
    ids = list(pairs.numbers)
    lines: dict[tuple[int, int, int], int] = {}
    for line, source, target, label in pairs.rows.tolist():
        items = ids[source], ids[target]
        low, high = sorted((source, target))
        if source == target:
            message = f"item {quoted(items[0])} is paired with itself, labelled {WORDS[label]}"
            found.add("pair-of-itself", line, message, items[0], severity=Severity.FAULT if label == 0 else None)
        names = " and ".join(map(quoted, items))
        opposite = lines.get((low, high, 1 - label)) if label != UNLABELLED else None
        earlier = next((lines[key] for other in WORDS if (key := (low, high, other)) in lines), None)
        if opposite is not None:
            message = f"{names} are {WORDS[label]}, on line {opposite} {WORDS[1 - label]}"
            found.add("pair-contradictory", line, message, *items)
        elif earlier is not None:
            found.add("pair-repeated", line, f"{names} were already paired on line {earlier}", *items)
        lines.setdefault((low, high, label), line)


def report_chains(pairs: PairLines, found: FileFindings) -> None:
    """Report the pairs labelled different of which other pairs, labelled the same, make one product."""
    ids, ends, labels = list(pairs.numbers), pairs.rows[:, 1:3], pairs.rows[:, 3]
    product = connected_components(len(ids), ends[labels == 1])
    in_chain = (labels == 0) & (product[ends[:, 0]] == product[ends[:, 1]]) & (ends[:, 0] != ends[:, 1])
    if not in_chain.any():
        return
    same = {frozenset(pair) for pair in ends[labels == 1].tolist()}
    for line, source, target, _ in pairs.rows[in_chain].tolist():
        if {source, target} not in same:  # else it is a contradiction of two lines
            items = ids[source], ids[target]
            message = f"{quoted(items[0])} and {quoted(items[1])} are different, but a chain of same pairs joins them"
            found.add("pair-chain", line, message, *items)


def report_shared(val: PairLines, test: PairLines, found: FileFindings) -> None:
    """Report that pairs of test are validation pairs as well, on which thresholds are chosen."""
    known = {frozenset(ids) for ids in val.ids()}
    shared = [line for line, ids in zip(test.rows[:, 0].tolist(), test.ids(), strict=True) if frozenset(ids) in known]
    if shared:
        message = (
            f"{len(shared):,} of {len(test):,} pairs, this one first, are pairs of data.val too; a threshold is "
            "calibrated without them by bash run.sh study calibrate RUN --drop-shared"
        )
        found.add("pair-shared", shared[0], message)


def report_labels(pairs: PairLines, found: FileFindings) -> None:
    """Report labels that are absent where they are needed, and labels that are all alike."""
    num_labelled = len(pairs) - pairs.count(UNLABELLED)
    if 0 < num_labelled < len(pairs) or (found.split != "test" and pairs.count(UNLABELLED)):
        reason = "which other pairs have" if num_labelled else "which training and evaluation need"
        for line in pairs.rows[pairs.rows[:, 3] == UNLABELLED, 0].tolist():
            found.add("label-missing", line, f"has no 'item_label', {reason}")
    severity = Severity.WARNING if found.split == "test" else None
    for label in (0, 1):
        if num_labelled and not pairs.count(label):
            message = f"no pair of {num_labelled:,} is labelled {WORDS[label]}"
            found.add("label-one-sided", None, message, severity=severity)
