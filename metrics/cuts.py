"""All decisions that one threshold can make on labelled pairs.

Letters of shapes: B pairs, C distinct margins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.verification import check_pairs

LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Cuts:
    """The C + 1 cuts between distinct margins: cut c takes the pairs of the c highest margins, ties together."""

    margins: NDArray[np.float64]
    """(C,) distinct, descending"""
    num_predicted: NDArray[np.int64]
    """(C + 1,) pairs that each cut takes for the same; from 0 to all"""
    num_hits: NDArray[np.int64]
    """(C + 1,) pairs among them that are labelled the same"""

    @property
    def num_positives(self) -> int:
        """Pairs labelled the same, whether a cut takes them or not."""
        return int(self.num_hits[-1])

    def threshold(self, cut: int) -> float:
        """Return the threshold of a cut: midway between the margins that it separates.

        Above the highest margin and below the lowest it is 1 away, or the next float where those are sparser.
        """
        if cut == 0:
            highest = float(self.margins[0])
            return min(max(highest + 1.0, math.nextafter(highest, math.inf)), LARGEST)
        margin = self.margins[cut - 1]
        if cut == len(self.margins):
            return float(min(margin - 1.0, np.nextafter(margin, -np.inf)))
        lower = self.margins[cut]
        midway = lower / 2 + margin / 2  # halves first: the sum of two large numbers overflows
        # Between neighbouring floats midway rounds to either; lower itself separates them, as the test is >.
        return float(midway if midway < margin else lower)


@dataclass(frozen=True, slots=True)
class SortedPairs:
    """B pairs by descending margin, sorted once for many weightings."""

    order: NDArray[np.int64]
    """(B,) rows of the pairs"""
    same: NDArray[np.bool_]
    """(B,) in that order"""
    margins: NDArray[np.float64]
    """(C,) distinct, descending"""
    ends: NDArray[np.int64]
    """(C,) place in the order of the last pair of each distinct margin"""

    def cuts(self, multiplicity: NDArray[np.int64] | None = None) -> Cuts:
        """Return the cuts of the pairs, each counted as often as `multiplicity` (B,) says, in the pairs' own order."""
        if multiplicity is None:
            return Cuts(
                self.margins, _after_none(self.ends + 1), _after_none(np.cumsum(self.same, dtype=np.int64)[self.ends])
            )
        counts = multiplicity[self.order]
        return Cuts(
            self.margins,
            _after_none(np.cumsum(counts)[self.ends]),
            _after_none(np.cumsum(counts * self.same)[self.ends]),
        )


def sort_pairs(margins: NDArray[np.float64], same: NDArray[np.bool_]) -> SortedPairs:
    """Sort pairs by margin, in O(B log B).

    `margins` (B,) and `same` (B,) belong together row by row. Raises ValueError where no pair is labelled the same,
    for there is neither recall nor F1 then, and on what `check_pairs` refuses.
    """
    check_pairs(margins, same)
    if not same.any():
        raise ValueError("No pair is labelled the same, so no threshold has an F1; give pairs of both labels.")
    order = np.argsort(-margins, kind="stable")
    ordered = margins[order].astype(np.float64)
    ends = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
    return SortedPairs(order, same[order], ordered[ends], ends)


def _after_none(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), counts])
