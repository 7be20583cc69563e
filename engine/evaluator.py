"""From encoded items and labelled pairs to figures."""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from data.item_pair import PairTable
from engine.encode import EncodedItems
from metrics.threshold import best_f1_threshold
from metrics.verification import verification_metrics
from models.embedding import pair_score, unpack
from options.errors import UserError

PAIRS_AT_ONCE = 1024
"""Bounds the memory of scoring, whatever the number of pairs; of this size the numbers stay in the cache."""


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


def pair_margins(items: EncodedItems, pairs: PairTable, threshold_width: int) -> NDArray[np.float64]:
    """Return the margin of each of B pairs, computed in float64 from the float32 embeddings: (B,).

    Raises UserError where embeddings are not finite.
    """
    num_broken = int((~items.packed.isfinite().all(dim=1)).sum())
    if num_broken:
        raise UserError(
            f"the embeddings of {num_broken} of {len(items.packed)} items are not finite numbers: the weights have "
            "diverged, or overflow in half precision. In training try a lower train.optimizer.lr, a train.clip_norm "
            "or warm-up; in prediction another checkpoint, or train.precision=float32."
        )
    embedding = unpack(items.packed.double(), threshold_width)
    margins = np.empty(len(pairs))
    for first in range(0, len(pairs), PAIRS_AT_ONCE):
        part = slice(first, first + PAIRS_AT_ONCE)
        source, target = torch.from_numpy(pairs.source[part]), torch.from_numpy(pairs.target[part])
        margins[part] = pair_score(embedding.rows(source), embedding.rows(target)).margin.numpy()
    return margins


def evaluation(margins: NDArray[np.float64], same: NDArray[np.bool_], threshold: float) -> Evaluation:
    """Compute the figures of B margins; `threshold` is the loss's decision threshold."""
    at_threshold = verification_metrics(margins, same, threshold)
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
