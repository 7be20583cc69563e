"""From margins and labels to figures."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.threshold import best_f1_threshold
from metrics.verification import verification_metrics


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures on labelled pairs, at the loss's own decision threshold and at the best one."""

    f1: float
    precision: float
    recall: float
    accuracy: float
    threshold: float
    """Decision threshold of the figures above."""
    calibrated_f1: float
    calibrated_precision: float
    calibrated_recall: float
    calibrated_threshold: float
    """Threshold of the highest F1 on these pairs."""
    num_pairs: int
    num_positives: int

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def evaluation(
    margins: NDArray[np.float64],
    same: NDArray[np.bool_],
    threshold: float,
    thresholds: NDArray[np.float64] | None = None,
) -> Evaluation:
    """Compute the figures of B margins at a threshold, or where pairs have their own, at `thresholds` (B,)."""
    at_threshold = verification_metrics(margins, same, threshold if thresholds is None else thresholds)
    best = best_f1_threshold(margins, same)
    return Evaluation(
        f1=at_threshold.f1,
        precision=at_threshold.precision,
        recall=at_threshold.recall,
        accuracy=at_threshold.accuracy,
        threshold=threshold,
        calibrated_f1=best.f1,
        calibrated_precision=best.precision,
        calibrated_recall=best.recall,
        calibrated_threshold=best.threshold,
        num_pairs=at_threshold.num_pairs,
        num_positives=at_threshold.num_positives,
    )
