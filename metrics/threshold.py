"""The threshold of the highest F1.

Letters of shapes: B pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.verification import check_pairs, verification_metrics


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
    check_pairs(margins, same)
    num_positives = int(np.count_nonzero(same))
    if num_positives == 0:
        raise ValueError("No pair is labelled the same, so no threshold has an F1; give pairs of both labels.")
    descending = np.argsort(-margins)
    ordered = margins[descending].astype(np.float64)
    num_hits = np.cumsum(same[descending])
    num_predicted = np.arange(1, len(margins) + 1)
    # Correctly rounded quotients of integers: equal ratios stay equal, and up to 2**25 pairs different ones
    # stay different.
    f1 = 2 * num_hits / (num_predicted + num_positives)
    # A cut inside a run of equal margins is no threshold. The cut above all margins has F1 0, less than any
    # cut that takes a positive pair, so it is left out. argmax takes the first of equals, the highest cut.
    ends_run = np.append(ordered[1:] < ordered[:-1], True)
    lowest_taken = int(np.argmax(np.where(ends_run, f1, -1.0)))
    threshold = _threshold_after(ordered, lowest_taken)
    metrics = verification_metrics(margins, same, threshold)
    return ThresholdChoice(threshold, metrics.f1, metrics.precision, metrics.recall)


def _threshold_after(descending: NDArray[np.float64], position: int) -> float:
    """Return the threshold between the margin at position and the next one, which is lower."""
    margin = descending[position]
    if position == len(descending) - 1:
        # Where floats are sparse, subtracting 1 changes nothing; the next lower float does.
        return float(min(margin - 1.0, np.nextafter(margin, -np.inf)))
    lower = descending[position + 1]
    midway = lower / 2 + margin / 2  # halves first: the sum of two large numbers overflows
    # Between neighbouring floats midway rounds to either; lower itself separates them, as the test is >.
    return float(midway if midway < margin else lower)
