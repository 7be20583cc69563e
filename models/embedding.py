"""The embeddings of items, what gives them, and the score of pairs: the one place where a score is computed.

Letters of shapes: B pairs, N items, D embedding width.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from data.pair_batch import ItemBatch


class ItemEmbedding(NamedTuple):
    """The two embeddings of items.

    A model without a threshold branch has threshold embeddings of width 0, whose dot products are 0.
    """

    threshold: Tensor
    """(N, D) or (N, 0)"""
    match: Tensor
    """(N, D)"""

    def rows(self, index: Tensor) -> ItemEmbedding:
        """Return the embeddings at index (M,), one row each."""
        return ItemEmbedding(self.threshold[index], self.match[index])


class ItemEmbedder(nn.Module):
    """Gives each item a match embedding and a threshold embedding."""

    @property
    @abstractmethod
    def threshold_width(self) -> int:
        """Numbers in the threshold embedding; 0 without a threshold branch."""

    @property
    @abstractmethod
    def match_width(self) -> int:
        """Numbers in the match embedding."""

    @abstractmethod
    def forward(self, items: ItemBatch) -> ItemEmbedding:
        """Return both embeddings of N items: (N, D) each, the threshold's (N, 0) without that branch."""


class PairScore(NamedTuple):
    """The two dot products of pairs (any shape, the same for both)."""

    match: Tensor
    threshold: Tensor

    @property
    def margin(self) -> Tensor:
        """The decision value: a pair is the same product where it exceeds the decision threshold."""
        return self.match - self.threshold


def pair_score(source: ItemEmbedding, target: ItemEmbedding) -> PairScore:
    """Score B pairs, row i of source with row i of target (arXiv 2208.11064, section 3.2).

    Half-precision embeddings are multiplied in float32, others in their own type.
    """
    return PairScore(
        match=(_at_least_float32(source.match) * _at_least_float32(target.match)).sum(dim=1),
        threshold=(_at_least_float32(source.threshold) * _at_least_float32(target.threshold)).sum(dim=1),
    )


def cross_score(source: ItemEmbedding, target: ItemEmbedding) -> PairScore:
    """Score each of M items with each of N others: (M, N), in the types of pair_score."""
    return PairScore(
        match=_at_least_float32(source.match) @ _at_least_float32(target.match).T,
        threshold=_at_least_float32(source.threshold) @ _at_least_float32(target.threshold).T,
    )


def pack(items: ItemEmbedding) -> Tensor:
    """Return the numbers of each item as they are stored in files, threshold half first: (N, 2D) or (N, D)."""
    return torch.cat([items.threshold, items.match], dim=1)


def unpack(packed: Tensor, threshold_width: int) -> ItemEmbedding:
    """Undo pack."""
    return ItemEmbedding(packed[:, :threshold_width], packed[:, threshold_width:])


def as_query(packed: Tensor, threshold_width: int) -> Tensor:
    """Return packed items (N, numbers an item) as an inner-product index is asked about them, itself holding pack's.

    margin = <m1, m2> - <t1, t2> = <[-t1, m1], [t2, m2]>: the query has the threshold half with the other sign.
    """
    items = unpack(packed, threshold_width)
    return pack(ItemEmbedding(-items.threshold, items.match))


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
