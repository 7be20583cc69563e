"""The precision-recall curve.

Letters of shapes: B pairs, T thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.verification import check_pairs


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
