"""Negative pairs out of the items of a batch.

Letters of shapes: N items.
"""

from __future__ import annotations

import torch
from torch import Tensor

from losses.pair_loss import PairLoss
from models.embedding import ItemEmbedding, PairScore, all_pairs_score


def in_batch_negative_loss(loss: PairLoss, items: ItemEmbedding, item: Tensor, group: Tensor) -> Tensor:
    """Return the mean loss, as different products, of all pairs of items of different groups: a scalar.

    `item` (N,) int64 names the item of each row and `group` (N,) int64 the group of items known to be one
    product. Pairs are unordered, of two distinct items; of several rows of one item only the first counts.
    Without any pair the mean is 0, and still has a gradient (of zeros).
    """
    score = all_pairs_score(items)
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
