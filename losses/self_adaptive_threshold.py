"""The self-adaptive threshold loss (arXiv 2208.11064)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losses.pair_loss import PairLoss
from models.embedding import PairScore


class SelfAdaptiveThresholdLoss(PairLoss):
    """Cross-entropy over the logits [threshold, match] of each pair against its label (arXiv 2208.11064).

    Of two logits only the difference counts: the loss is log(1 + exp(-margin)) for the same product and
    log(1 + exp(margin)) for different ones. With a first value `threshold`, a learned one is taken off the margin.
    """

    def __init__(self, threshold: float | None = None) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(threshold, dtype=torch.float32)) if threshold is not None else None

    @property
    def decision_threshold(self) -> float:
        """The threshold as learned so far; 0 without one: match exceeds the pair's own threshold."""
        return self.threshold.item() if self.threshold is not None else 0.0

    def forward(self, score: PairScore, same: Tensor) -> Tensor:
        """Return each pair's loss, not reduced: float32, of the shape of the score.

        `same` is bool and broadcasts to the score's shape.
        """
        margin = score.margin.float()
        if self.threshold is not None:
            margin = margin - self.threshold
        return F.softplus(torch.where(same, -margin, margin))
