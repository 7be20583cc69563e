"""The threshold that meets a criterion best.

Letters of shapes: B pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.criterion import Criterion, highest_f1
from metrics.cuts import Cuts, sort_pairs
from metrics.verification import verification_metrics


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
    cuts = sort_pairs(margins, same).cuts()
    return _choice(margins, same, cuts, highest_f1(cuts))


def choose_threshold(
    margins: NDArray[np.float64], same: NDArray[np.bool_], criterion: Criterion
) -> ThresholdChoice | None:
    """Return the threshold that meets a criterion best, in O(B log B), or None where no threshold meets it.

    It lies as `best_f1_threshold` says, or 1 above the highest margin where no pair is to be taken for the same.
    Raises ValueError where no pair is labelled the same and on what `check_pairs` refuses.
    """
    cuts = sort_pairs(margins, same).cuts()
    cut = criterion.cut(cuts)
    return _choice(margins, same, cuts, cut) if cut is not None else None


def _choice(margins: NDArray[np.float64], same: NDArray[np.bool_], cuts: Cuts, cut: int) -> ThresholdChoice:
    threshold = cuts.threshold(cut)
    metrics = verification_metrics(margins, same, threshold)
    return ThresholdChoice(threshold, metrics.f1, metrics.precision, metrics.recall)
