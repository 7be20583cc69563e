"""The siamese pair classifier."""

from typing import NamedTuple

from torch import nn

from data.pair_batch import PairBatch
from models.embedding import ItemEmbedding, PairScore, pair_score
from models.item_encoder import ItemEncoder


class VerifiedPairs(NamedTuple):
    """What the verifier says of a batch of pairs."""

    items: ItemEmbedding
    """(N, D) each, of the distinct items"""
    score: PairScore
    """(B,) each"""


class PairVerifier(nn.Module):
    """Encodes the distinct items of a batch once and scores its pairs."""

    def __init__(self, item_encoder: ItemEncoder) -> None:
        super().__init__()
        self.item_encoder = item_encoder

    def forward(self, batch: PairBatch) -> VerifiedPairs:
        """Score B pairs of N distinct items."""
        items: ItemEmbedding = self.item_encoder(batch.items)
        return VerifiedPairs(items, pair_score(items.rows(batch.source), items.rows(batch.target)))
