"""What every loss over pairs is, and its mean over the negative pairs of a batch.

Letters of shapes: N items.
"""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from models.embedding import ItemEmbedding, PairScore, cross_score


class PairLoss(nn.Module):
    """A loss of each pair by its score; learned numbers of the loss are its parameters."""

    @property
    @abstractmethod
    def decision_threshold(self) -> float:
        """The margin above which this loss takes a pair for the same product."""

    @abstractmethod
    def forward(self, score: PairScore, same: Tensor) -> Tensor:
        """Return each pair's loss, not reduced: float32, of the shape of the score.

        `same` is bool and broadcasts to the score's shape.
        """


def in_batch_negative_loss(loss: PairLoss, items: ItemEmbedding, item: Tensor, group: Tensor) -> Tensor:
    """Return the mean loss, as different products, of all pairs of items of different groups: a scalar.

    `item` (N,) int64 names the item of each row and `group` (N,) int64 the group of items known to be one
    product. Pairs are unordered, of two distinct items; of several rows of one item only the first counts.
    Without any pair the mean is 0, and still has a gradient (of zeros).
    """
    score = cross_score(items, items)
    negative = _negative_pairs(item, group)
    each: Tensor = loss(
        PairScore(match=score.match[negative], threshold=score.threshold[negative]),
        torch.zeros((), dtype=torch.bool, device=negative.device),
    )
    return each.sum() / max(each.numel(), 1)


def _negative_pairs(item: Tensor, group: Tensor) -> Tensor:
    """Return which row with which later row is a negative pair: (N, N) bool."""
    occurred_before = (item[:, None] == item).tril(diagonal=-1).any(dim=1)
    counts = ~occurred_before
    different = group[:, None] != group
    return (different & counts[:, None] & counts).triu(diagonal=1)
