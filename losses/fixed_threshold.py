"""Logistic loss with one learned threshold for all pairs."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losses.pair_loss import PairLoss
from models.embedding import PairScore


class FixedThresholdLoss(PairLoss):
    """Logistic loss of scale * (margin - threshold); the margin of normalised embeddings is their cosine.

    `scale` (positive) and `threshold` are the first values of what is learned. The logarithm of the scale is
    the parameter, so that the scale stays positive.
    """

    def __init__(self, scale: float, threshold: float) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale), dtype=torch.float32))
        self.threshold = nn.Parameter(torch.tensor(threshold, dtype=torch.float32))

    @property
    def decision_threshold(self) -> float:
        """The threshold as learned so far."""
        return self.threshold.item()

    def forward(self, score: PairScore, same: Tensor) -> Tensor:
        """Return each pair's loss, not reduced: float32, of the shape of the score.

        `same` is bool and broadcasts to the score's shape.
        """
        logit = self.log_scale.exp() * (score.margin.float() - self.threshold)
        return F.softplus(torch.where(same, -logit, logit))
