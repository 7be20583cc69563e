"""The contrastive loss (Hadsell, Chopra and LeCun, CVPR 2006)."""

from __future__ import annotations

import torch
from torch import Tensor

from losses.pair_loss import PairLoss
from models.embedding import PairScore


class ContrastiveLoss(PairLoss):
    """Contrastive loss of the Euclidean distance d of normalised embeddings, whose margin is their cosine.

    d**2 = 2 - 2 * cosine. The loss is d**2 for the same product and max(0, margin - d)**2 for different ones
    (equation 4 of Hadsell, Chopra and LeCun, "Dimensionality Reduction by Learning an Invariant Mapping",
    CVPR 2006, without its factor 1/2). `margin` is a distance, from 0 to 2.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    @property
    def decision_threshold(self) -> float:
        """The cosine at the distance margin / 2, where both sides of the loss are equal."""
        return 1.0 - self.margin**2 / 8.0

    def forward(self, score: PairScore, same: Tensor) -> Tensor:
        """Return each pair's loss, as PairLoss says."""
        squared_distance = 2.0 - 2.0 * score.margin.float()
        # Rounding takes the cosine of equal embeddings beyond 1. Unlike clamp, where keeps the gradient at 0.
        squared_distance = squared_distance.where(squared_distance >= 0, 0.0)
        shortfall = (self.margin - _safe_sqrt(squared_distance)).clamp(min=0.0)
        return torch.where(same, squared_distance, shortfall**2)


def _safe_sqrt(values: Tensor) -> Tensor:
    """Return the square root, with gradient 0 instead of infinity at 0.

    At distance 0 no direction leads apart, so 0 is the gradient of the embeddings there.
    """
    positive = values > 0
    return torch.where(positive, values.where(positive, 1.0).sqrt(), 0.0)
