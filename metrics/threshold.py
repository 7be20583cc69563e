"""The threshold of margins that meets a criterion best: each criterion picks one of all cuts between the margins.

Ratios are correctly rounded quotients of whole numbers, so that equal ratios are equal, and 9 of 10 reach 0.9. Up to
2**25 pairs different ratios are different, too. Letters of shapes: B pairs, C distinct margins.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.verification import check_pairs, verification_metrics

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
        counts = np.ones(len(self.order), np.int64) if multiplicity is None else multiplicity[self.order]
        return Cuts(
            self.margins,
            num_predicted=np.append(0, np.cumsum(counts)[self.ends]),
            num_hits=np.append(0, np.cumsum(counts * self.same)[self.ends]),
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


def highest_f1(cuts: Cuts, unused: float = 0.0) -> int:
    """Return the cut of the highest F1; of equal ones the highest cut, which has the highest precision."""
    # argmax takes the first of equals; the cut that takes nothing has F1 0, which any hit exceeds.
    return int(np.argmax(2 * cuts.num_hits / (cuts.num_predicted + cuts.num_positives)))


def precision_at_least(cuts: Cuts, precision: float) -> int | None:
    """Return the cut of the highest recall among those that reach a precision; None where none does.

    Of cuts of the same recall it is the one of the highest precision.
    """
    reached = _precision(cuts) >= precision
    reached[0] = False  # which takes nothing, and has no precision
    return int(np.argmax(np.where(reached, cuts.num_hits, -1))) if reached.any() else None


def recall_at_least(cuts: Cuts, recall: float) -> int | None:
    """Return the cut of the highest precision among those that reach a recall, of equal ones that of most recall."""
    candidates = np.where(cuts.num_hits / cuts.num_positives >= recall, _precision(cuts), -1.0)
    return len(candidates) - 1 - int(np.argmax(candidates[::-1]))


def number_of_positives(cuts: Cuts, number: float) -> int | None:
    """Return the cut that takes a number of pairs for the same; None where there are fewer pairs.

    Where ties of margins prevent it, it is the cut that comes nearest, of two equally near the one that takes fewer.
    """
    if number > cuts.num_predicted[-1]:
        return None
    return int(np.argmin(np.abs(cuts.num_predicted - number)))


CRITERIA: dict[str, Callable[[Cuts, float], int | None]] = {
    "f1": highest_f1,
    "precision": precision_at_least,
    "recall": recall_at_least,
    "positives": number_of_positives,
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion by its name, with the number that it is to reach; f1 has none."""

    name: str
    number: float = 0.0

    def __str__(self) -> str:
        return self.name if self.name == "f1" else f"{self.name}={self.number:g}"

    def cut(self, cuts: Cuts) -> int | None:
        """Return the cut that meets it best, or None where none meets it."""
        return CRITERIA[self.name](cuts, self.number)


def parse_criterion(text: str) -> Criterion:
    """Read f1, precision=X, recall=X with X above 0 and at most 1, or positives=N; raises ValueError for else."""
    name, _, number = text.partition("=")
    if text == "f1":
        return Criterion("f1")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if name in ("precision", "recall") and 0 < value <= 1:
        return Criterion(name, value)
    if name == "positives" and value >= 0 and value.is_integer():
        return Criterion(name, value)
    raise ValueError(
        f"{text!r} is no criterion; give f1, precision=X or recall=X with X above 0 and at most 1, or positives=N"
    )


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold and the figures of the positive class at it."""

    threshold: float
    f1: float
    precision: float
    recall: float


def best_f1_threshold(margins: NDArray[np.float64], same: NDArray[np.bool_]) -> ThresholdChoice:
    """Return the threshold at which the decisions margin > threshold have the highest F1, in O(B log B).

    `margins` (B,) and `same` (B,) belong together row by row. The threshold lies midway between the two
    neighbouring distinct margins that it separates, or 1 below the smallest margin where all pairs are best
    taken for the same. Of several thresholds of the same F1 the highest is chosen, the one of the highest
    precision. Raises ValueError where no pair is labelled the same, for every F1 is 0 then, and on what
    `check_pairs` refuses.
    """
    choice = choose_threshold(margins, same, Criterion("f1"))
    assert choice is not None, "some cut has the highest F1"
    return choice


def choose_threshold(
    margins: NDArray[np.float64], same: NDArray[np.bool_], criterion: Criterion
) -> ThresholdChoice | None:
    """Return the threshold that meets a criterion best, in O(B log B), or None where no threshold meets it.

    It lies as `best_f1_threshold` says, or 1 above the highest margin where no pair is to be taken for the same.
    Raises ValueError where no pair is labelled the same and on what `check_pairs` refuses.
    """
    cuts = sort_pairs(margins, same).cuts()
    cut = criterion.cut(cuts)
    if cut is None:
        return None
    threshold = cuts.threshold(cut)
    metrics = verification_metrics(margins, same, threshold)
    return ThresholdChoice(threshold, metrics.f1, metrics.precision, metrics.recall)


def _precision(cuts: Cuts) -> NDArray[np.float64]:
    return cuts.num_hits / np.maximum(cuts.num_predicted, 1)
