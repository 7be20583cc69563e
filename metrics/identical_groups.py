"""Groups of identical items, from the pairs that are decided the same, and how far they agree with the truth.

Letters of shapes: B pairs, N items.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class IdenticalGroup:
    """Items that are one product."""

    medoid: int
    """The member that matches all others, and of those that do, the one with the highest sum of margins to them."""
    members: tuple[int, ...]
    """Two or more, the medoid among them, ascending."""


def identical_groups(
    source: NDArray[np.int64], target: NDArray[np.int64], margin: NDArray[np.float64]
) -> list[IdenticalGroup]:
    """Part items into groups in each of which every member matches the medoid.

    Connected components alone would join a and c because both match b, and so on in chains without end. Here the item
    with the most matches takes those as its group, then the item with the most matches among what is left, until no
    two items are left that match: the star clustering of Aslam, Pelekhov and Rus (The star clustering algorithm for
    static and dynamic information organization, JGAA 8(1), 2004). A component whose items all match is one group.
    Of equally many matches the higher sum of margins decides, then the lower number.

    Args:
        source: (B,) item numbers, of pairs that match; each pair once, in either direction.
        target: (B,) item numbers, other than those of source.
        margin: (B,) margins of the pairs.

    Returns:
        The groups, which share no item, by their first members; items without a match are in none.
    """
    matches = _matches(source, target, margin)
    degree = {item: len(others) for item, others in matches.items()}
    strength = {item: sum(others.values()) for item, others in matches.items()}
    queue = [(-degree[item], -strength[item], item) for item in matches]
    heapify(queue)
    taken: set[int] = set()
    groups: list[IdenticalGroup] = []
    while queue:
        entry = heappop(queue)
        item = entry[2]
        if item in taken or not degree[item]:
            continue
        current = (-degree[item], -strength[item], item)
        if entry != current:  # matches of it have been taken since
            heappush(queue, current)
            continue
        members = [item, *(other for other in matches[item] if other not in taken)]
        taken.update(members)
        for member in members:
            for other, value in matches[member].items():
                degree[other] -= 1
                strength[other] -= value
        groups.append(IdenticalGroup(_medoid(members, matches), tuple(sorted(members))))
    return sorted(groups, key=lambda group: group.members)


def group_numbers(groups: list[IdenticalGroup], num_items: int) -> NDArray[np.int64]:
    """Return the number of each item's group, items of no group having one of their own: (N,)."""
    numbers = np.arange(len(groups), len(groups) + num_items)
    for number, group in enumerate(groups):
        numbers[list(group.members)] = number
    return numbers


class GroupAgreement(NamedTuple):
    """Figures over all pairs of N items: a pair is positive where both are in one group."""

    f1: float
    precision: float
    recall: float
    num_true_pairs: int
    """Pairs that are one product."""
    num_found_pairs: int
    """Pairs that are in one group."""


def group_agreement(found: NDArray[np.int64], truth: NDArray[np.int64]) -> GroupAgreement:
    """Compare the groups that were found, numbers (N,), with the true ones (N,); figures without pairs are 0."""
    both = np.unique(np.stack([found, truth]), axis=1, return_counts=True)[1]
    num_right = _num_pairs(both)
    num_found = _num_pairs(np.unique(found, return_counts=True)[1])
    num_true = _num_pairs(np.unique(truth, return_counts=True)[1])
    return GroupAgreement(
        f1=2 * num_right / max(1, num_found + num_true),
        precision=num_right / max(1, num_found),
        recall=num_right / max(1, num_true),
        num_true_pairs=num_true,
        num_found_pairs=num_found,
    )


def _matches(
    source: NDArray[np.int64], target: NDArray[np.int64], margin: NDArray[np.float64]
) -> dict[int, dict[int, float]]:
    matches: dict[int, dict[int, float]] = {}
    for one, other, value in zip(source.tolist(), target.tolist(), margin.tolist(), strict=True):
        matches.setdefault(one, {})[other] = value
        matches.setdefault(other, {})[one] = value
    return matches


def _medoid(members: list[int], matches: dict[int, dict[int, float]]) -> int:
    inside = {item: [matches[item][other] for other in members if other in matches[item]] for item in members}
    return max(members, key=lambda item: (len(inside[item]), sum(inside[item]), -item))


def _num_pairs(sizes: NDArray[np.intp]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
