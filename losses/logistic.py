"""The logistic loss of margins, with or without learned thresholds and scale."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from losses.pair_loss import PairLoss
from models.embedding import PairScore


class LogisticLoss(PairLoss):
    """Logistic loss log(1 + exp(-logit)) for the same product and log(1 + exp(logit)) for different ones.

    The logit is scale * (margin - threshold). Without either it is the margin, match minus threshold, and the loss is
    the cross-entropy over the logits [threshold, match] of each pair, of which only the difference counts (arXiv
    2208.11064). With a learned threshold of all pairs it is the sigmoid loss of Zhai et al. (ICCV 2023, arXiv
    2303.15343), whose bias is minus the threshold and whose scale, where none is learned here, is in the length of the
    embeddings.
    """

    def __init__(self, threshold: float | None = None, scale: float | None = None) -> None:
        """Take the first values of what is learned; None for a threshold of 0 and a scale of 1, which stay."""
        super().__init__()
        # Its logarithm, so that the scale stays positive.
        self.log_scale = _learned(math.log(scale)) if scale is not None else None
        self.threshold = _learned(threshold) if threshold is not None else None

    @property
    def decision_threshold(self) -> float:
        """The threshold as learned so far; 0 without one."""
        return self.threshold.item() if self.threshold is not None else 0.0

    def forward(self, score: PairScore, same: Tensor) -> Tensor:
        """Return each pair's loss, as PairLoss says."""
        logit = score.margin.float()
        if self.threshold is not None:
            logit = logit - self.threshold
        if self.log_scale is not None:
            logit = self.log_scale.exp() * logit
        return functional.softplus(torch.where(same, -logit, logit))


def _learned(value: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(value, dtype=torch.float32))
