"""How well margins rank pairs, at no threshold: average precision, area under the ROC curve, recall at a precision.

Pairs of equal margins stand at one place, as in scikit-learn. Letters of shapes: B pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.threshold import Cuts, precision_at_least, sort_pairs
from metrics.verification import check_pairs


@dataclass(frozen=True, slots=True)
class RankingMetrics:
    """The figures of the positive class, the pairs of the same product, which need no threshold."""

    average_precision: float
    roc_auc: float
    recall_at_precision_90: float
    """0.0 where no threshold reaches the precision."""
    recall_at_precision_95: float


def ranking_metrics(margins: NDArray[np.float64], same: NDArray[np.bool_]) -> RankingMetrics | None:
    """Rank B pairs by margin, in O(B log B); None where all labels are equal, for there is nothing to rank then.

    `margins` (B,) and `same` (B,) belong together row by row. Raises ValueError on what `check_pairs` refuses.
    """
    check_pairs(margins, same)
    if same.all() or not same.any():
        return None
    cuts = sort_pairs(margins, same).cuts()
    return RankingMetrics(
        average_precision=average_precision(cuts),
        roc_auc=roc_auc(cuts),
        recall_at_precision_90=recall_at_precision(cuts, 0.9),
        recall_at_precision_95=recall_at_precision(cuts, 0.95),
    )


def average_precision(cuts: Cuts) -> float:
    """Return the mean over the positives of the precision at the cut that first takes each."""
    precision = cuts.num_hits[1:] / cuts.num_predicted[1:]
    return float(np.diff(cuts.num_hits) @ precision / cuts.num_positives)


def roc_auc(cuts: Cuts) -> float:
    """Return how often a positive is above a negative, equal ones counting half; both labels have to occur."""
    num_misses = cuts.num_predicted - cuts.num_hits
    # Twice the area, in whole numbers: exact as long as the products of both numbers of pairs fit into 63 bits.
    twice = int(np.diff(num_misses) @ (cuts.num_hits[1:] + cuts.num_hits[:-1]))
    return twice / (2 * int(num_misses[-1]) * cuts.num_positives)


def recall_at_precision(cuts: Cuts, precision: float) -> float:
    """Return the highest recall among the cuts that reach a precision; 0.0 where none does."""
    cut = precision_at_least(cuts, precision)
    return float(cuts.num_hits[cut] / cuts.num_positives) if cut is not None else 0.0
