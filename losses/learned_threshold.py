"""Logistic loss on plain dot products with one learned threshold."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losses.pair_loss import PairLoss
from models.embedding import PairScore


class LearnedThresholdLoss(PairLoss):
    """The self-adaptive threshold loss (arXiv 2208.11064) with one learned number t as the threshold of all pairs.

    The loss is log(1 + exp(t - match)) for the same product and log(1 + exp(match - t)) for different ones: the
    sigmoid loss of Zhai et al. (ICCV 2023, arXiv 2303.15343) with bias -t, whose scale is in the length of the
    embeddings here. `threshold` is the first value of t.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(threshold, dtype=torch.float32))

    @property
    def decision_threshold(self) -> float:
        """The threshold as learned so far."""
        return self.threshold.item()

    def forward(self, score: PairScore, same: Tensor) -> Tensor:
        """Return each pair's loss, not reduced: float32, of the shape of the score.

        `same` is bool and broadcasts to the score's shape.
        """
        logit = score.margin.float() - self.threshold
        return F.softplus(torch.where(same, -logit, logit))
