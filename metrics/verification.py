"""How well margins verify pairs, at one threshold or at many.

Letters of shapes: B pairs, T thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class VerificationMetrics:
    """The figures of the positive class, the pairs of the same product.

    A ratio whose denominator is 0 is 0.0.
    """

    f1: float
    precision: float
    recall: float
    accuracy: float
    num_pairs: int
    num_positives: int
    """Pairs labelled the same."""
    num_positives_predicted: int
    """Pairs predicted the same."""
    num_hits: int
    """Pairs predicted the same that are."""


def verification_metrics(
    margins: NDArray[np.float64], same: NDArray[np.bool_], threshold: float | NDArray[np.float64]
) -> VerificationMetrics:
    """Compare the decisions margin > threshold with the labels.

    `margins` (B,) and `same` (B,) belong together row by row, and so does `threshold` where it is (B,). Raises
    ValueError on what `check_pairs` refuses and on a threshold that is not a number.
    """
    check_pairs(margins, same)
    thresholds = np.asarray(threshold, np.float64)
    if np.isnan(thresholds).any():
        raise ValueError("The threshold is not a number (NaN); give a number.")
    predicted = margins > thresholds  # in float64, also for margins of float32
    num_hits = int(np.count_nonzero(predicted & same))
    num_predicted = int(np.count_nonzero(predicted))
    num_positives = int(np.count_nonzero(same))
    return VerificationMetrics(
        f1=_ratio(2 * num_hits, num_predicted + num_positives),
        precision=_ratio(num_hits, num_predicted),
        recall=_ratio(num_hits, num_positives),
        accuracy=_ratio(int(np.count_nonzero(predicted == same)), len(margins)),
        num_pairs=len(margins),
        num_positives=num_positives,
        num_positives_predicted=num_predicted,
        num_hits=num_hits,
    )


@dataclass(frozen=True, slots=True)
class PrecisionRecallCurve:
    """What the decisions margin > threshold reach at ascending thresholds; all arrays are (T,)."""

    thresholds: NDArray[np.float64]
    num_hits: NDArray[np.int64]
    """Pairs predicted and labelled the same."""
    num_predicted: NDArray[np.int64]
    """Pairs predicted the same."""
    num_positives: int
    """Pairs labelled the same."""
    num_pairs: int

    @property
    def precision(self) -> NDArray[np.float64]:
        """Hits among the predicted; 0 where none is predicted."""
        return self.num_hits / np.maximum(self.num_predicted, 1)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Hits among the positives; 0 where there is no positive."""
        return self.num_hits / max(self.num_positives, 1)


def precision_recall_curve(
    margins: NDArray[np.float64], same: NDArray[np.bool_], num_thresholds: int = 127
) -> PrecisionRecallCurve:
    """Compute the curve at the quantiles 0, 1/T, 2/T ... of the margins, in O(B log B).

    `margins` (B,) and `same` (B,) belong together row by row. At the first threshold all pairs are predicted the
    same. Raises ValueError on what `check_pairs` refuses.
    """
    check_pairs(margins, same)
    margins = margins.astype(np.float64)
    shares = np.arange(num_thresholds) / num_thresholds
    thresholds = np.quantile(margins, shares, method="lower")
    thresholds[0] = np.nextafter(thresholds[0], -np.inf)
    positives = np.sort(margins[same])
    return PrecisionRecallCurve(
        thresholds=thresholds,
        num_hits=len(positives) - np.searchsorted(positives, thresholds, side="right"),
        num_predicted=len(margins) - np.searchsorted(np.sort(margins), thresholds, side="right"),
        num_positives=len(positives),
        num_pairs=len(margins),
    )


def check_pairs(margins: NDArray[np.float64], same: NDArray[np.bool_]) -> None:
    """Raise ValueError unless these are the finite margins and the bool labels of at least one pair."""
    if margins.ndim != 1 or margins.shape != same.shape:
        raise ValueError(
            f"Margins and labels must be two lists of one length; their shapes are {margins.shape} and {same.shape}."
        )
    if same.dtype != np.bool_:
        raise ValueError(f"Labels must be bool; they are {same.dtype}.")
    if len(margins) == 0:
        raise ValueError("There is no pair to measure; give at least one labelled pair.")
    not_finite = np.flatnonzero(~np.isfinite(margins))
    if len(not_finite):
        first = int(not_finite[0])
        raise ValueError(
            f"{len(not_finite)} of {len(margins)} margins are not finite, the first in row {first} "
            f"({margins[first]}); check the embeddings they come from."
        )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
