"""What all encoders have in common: features of one modality, and a backbone whose lower part may be frozen.

Frozen means no gradients, no dropout, statistics of normalisation as they are. A backbone's stages (timm) or layers
(transformers) lie in its first list of that name, or are called layer1, layer2, ...; what is registered before them
(stem, embeddings) belongs to the first.
"""

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn

from data.pair_batch import ItemBatch
from models.lora import add_adapters
from models.weights import BASE_DIGEST, tensors_digest
from options.errors import UserError

Freeze = int | Literal["all"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_LISTS = {"layer", "layers", "blocks", "stages"}


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
    filling: int = 0
    """Id of the padding that fills texts, for models that read it as text; check_inputs puts the tokenizer's here."""
    pooling: str | None = None
    """How states become one vector; None where the model does that itself."""
    kept_elsewhere: frozenset[str] = frozenset()
    """Names of the backbone's tensors that checkpoints leave out, since adapters are trained in their place."""
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
        self.frozen = tuple(_freeze(self.backbone, count, option))
        return self.train(self.training)

    def adapt(self, rank: int, alpha: float, targets: Sequence[str] | None, option: str) -> Self:
        """Train adapters in the place of the backbone's weights; raises UserError where it has no such layers."""
        self.kept_elsewhere = add_adapters(self.backbone, rank, alpha, targets, f"{option}.lora")
        base = {name: tensor for name, tensor in self.backbone.state_dict().items() if name in self.kept_elsewhere}
        self.register_buffer(BASE_DIGEST, tensors_digest(base))
        return self

    def keep_in(self, dtype: Literal["float32", "bfloat16", "float16"]) -> Self:
        """Keep the backbone's weights in this type, and compute in it; features stay float32."""
        self.backbone.to(DTYPES[dtype])
        return self

    @property
    def dtype(self) -> torch.dtype:
        """The type that the backbone computes in."""
        return next((parameter.dtype for parameter in self.backbone.parameters()), torch.float32)

    def widened(self, features: Tensor) -> Tensor:
        """Return the features of a backbone in half precision as float32; others as autocast left them."""
        return features.float() if self.dtype in (torch.bfloat16, torch.float16) else features

    def train(self, mode: bool = True) -> Self:
        """Set the mode of all but the frozen modules, which stay in evaluation mode."""
        super().train(mode)
        for name in self.frozen:
            self.backbone.get_submodule(name).eval()
        return self


def stage_names(backbone: nn.Module) -> list[str]:
    """Return the names of a backbone's stages, the lowest first; none where it has no list of them."""
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Sequential | nn.ModuleList) and name.rpartition(".")[2] in _LISTS:
            return [f"{name}.{number}" for number in range(len(module))]
    return [name for name, _ in backbone.named_children() if re.fullmatch(r"layer\d+", name)]


def _freeze(backbone: nn.Module, count: Freeze, option: str) -> list[str]:
    """Freeze the lowest `count` stages and what lies below them; return the names of the largest frozen modules.

    Raises UserError, which names the option, where the backbone has not as many stages.
    """
    if count == 0:
        return []
    if count == "all":
        backbone.requires_grad_(False)
        return [""]
    stages = stage_names(backbone)
    if count > len(stages):
        raise UserError(f"{option}.freeze: {type(backbone).__name__} has {len(stages)} stages: at most so many, or all")
    frozen: list[str] = []
    holder = ""
    for part in stages[count - 1].split("."):
        module = backbone.get_submodule(holder)
        for parameter in module.parameters(recurse=False):  # such as the [CLS] token of a vision transformer
            parameter.requires_grad_(False)
        prefix = f"{holder}." if holder else ""
        names = [name for name, _ in module.named_children()]
        frozen += [prefix + name for name in names[: names.index(part)]]
        holder = prefix + part
    frozen.append(holder)
    for name in frozen:
        backbone.get_submodule(name).requires_grad_(False)
    return frozen
