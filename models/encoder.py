"""What all encoders have in common."""

from abc import abstractmethod
from typing import ClassVar, Literal, NamedTuple, Self

from torch import Tensor, nn

from data.pair_batch import ItemBatch
from models.freezing import Freeze, freeze


class FeatureGroup(NamedTuple):
    """Features of one origin, side by side in blocks."""

    name: Literal["text", "image", "colours"]
    widths: tuple[int, ...]
    """Features in each block."""


class Encoder(nn.Module):
    """Turns one modality of an item into a feature vector."""

    backbone: nn.Module
    width: int
    """Numbers in the feature vector."""
    modality: ClassVar[Literal["text", "image"]]
    """What of an item it reads."""
    num_token_ids: int | None = None
    """Size of the vocabulary of a text encoder."""
    frozen: tuple[str, ...] = ()
    """Names of the backbone's modules that are not trained."""

    @property
    def is_frozen(self) -> bool:
        """Whether none of the backbone is trained."""
        return "" in self.frozen

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """The groups of features that lie side by side in the feature vector."""
        return (FeatureGroup(self.modality, (self.width,)),)

    @abstractmethod
    def forward(self, items: ItemBatch) -> Tensor:
        """Return the features of N items: (N, width)."""

    @abstractmethod
    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""

    def freeze(self, count: Freeze, option: str) -> Self:
        """Train no longer the lowest `count` stages of the backbone; raises UserError where it has not as many."""
        self.frozen = tuple(freeze(self.backbone, count, option))
        return self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the mode of all but the frozen modules, which stay in evaluation mode."""
        super().train(mode)
        for name in self.frozen:
            self.backbone.get_submodule(name).eval()
        return self
