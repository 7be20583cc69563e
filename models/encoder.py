"""What the two kinds of encoder have in common."""

from abc import abstractmethod

from torch import Tensor, nn

from data.pair_batch import ItemBatch


class Encoder(nn.Module):
    """Turns one modality of an item into a feature vector."""

    width: int
    """Numbers in the feature vector."""

    @abstractmethod
    def forward(self, items: ItemBatch) -> Tensor:
        """Return the features of N items: (N, width)."""

    @abstractmethod
    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
