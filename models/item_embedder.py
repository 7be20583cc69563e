"""What gives items their embeddings."""

from abc import abstractmethod

from torch import nn

from data.pair_batch import ItemBatch
from models.embedding import ItemEmbedding


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
