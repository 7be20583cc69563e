"""The self-adaptive threshold loss (arXiv 2208.11064)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.pair_loss import PairLoss
from models.embedding import PairScore


class SelfAdaptiveThresholdLoss(PairLoss):
    """Cross-entropy over the logits [threshold, match] of each pair against its label (arXiv 2208.11064).

    Of two logits only the difference counts: the loss is log(1 + exp(-margin)) for the same product and
    log(1 + exp(margin)) for different ones.
    """

    @property
    def decision_threshold(self) -> float:
        """0: match exceeds the pair's own threshold."""
        return 0.0

    def forward(self, score: PairScore, same: Tensor) -> Tensor:
        """Return each pair's loss, not reduced: float32, of the shape of the score.

        `same` is bool and broadcasts to the score's shape.
        """
        margin = score.margin.float()
        return F.softplus(torch.where(same, -margin, margin))
