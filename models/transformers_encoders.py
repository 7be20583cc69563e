"""Text and image encoders of transformers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import JsonValue
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig

from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.weights import hub_error
from options.errors import UserError

Architecture = str | Mapping[str, JsonValue]


class TransformersTextEncoder(Encoder):
    """The last hidden state at [CLS], without a pooler."""

    def __init__(self, backbone: nn.Module, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.width = width

    def forward(self, items: ItemBatch) -> Tensor:
        """Return the features of N texts: (N, width)."""
        hidden: Tensor = self.backbone(input_ids=items.token_ids, attention_mask=items.attention_mask).last_hidden_state
        return hidden[:, 0]

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        self.backbone.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]


class TransformersImageEncoder(Encoder):
    """The last hidden states, pooled: the mean over places (as Swin does) or the first ([CLS])."""

    def __init__(self, backbone: nn.Module, width: int, pooling: Literal["mean", "cls"]) -> None:
        super().__init__()
        self.backbone = backbone
        self.width = width
        self.pooling = pooling

    def forward(self, items: ItemBatch) -> Tensor:
        """Return the pooled features of N images: (N, width)."""
        hidden: Tensor = self.backbone(pixel_values=items.images).last_hidden_state
        if hidden.ndim == 4:  # convolutional: (N, width, H, W)
            hidden = hidden.flatten(2).transpose(1, 2)
        return hidden.mean(dim=1) if self.pooling == "mean" else hidden[:, 0]

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        self.backbone.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]


def build_transformers_text_encoder(architecture: Architecture, weights: str) -> TransformersTextEncoder:
    """Build a text encoder; raises UserError for an architecture or weights that cannot be had."""
    backbone, width = _backbone("model.text_encoder", architecture, weights)
    return TransformersTextEncoder(backbone, width)


def build_transformers_image_encoder(
    architecture: Architecture, pooling: Literal["mean", "cls"], weights: str
) -> TransformersImageEncoder:
    """Build an image encoder; raises UserError for an architecture or weights that cannot be had."""
    backbone, width = _backbone("model.image_encoder", architecture, weights)
    return TransformersImageEncoder(backbone, width, pooling)


def _backbone(option: str, architecture: Architecture, weights: str) -> tuple[nn.Module, int]:
    config = _config(option, architecture)
    if weights == "random":
        backbone: nn.Module = AutoModel.from_config(config)
    else:
        backbone = _pretrained(option, architecture, weights, config)
    if getattr(backbone, "pooler", None) is not None:
        # Its output is not used, and data-parallel training wants a gradient for every weight.
        backbone.register_module("pooler", None)
    # transformers' loading leaves the module in evaluation mode.
    return backbone.train(), int(getattr(config, "hidden_sizes", [config.hidden_size])[-1])


def _config(option: str, architecture: Architecture) -> PretrainedConfig:
    if isinstance(architecture, str):
        try:
            return AutoConfig.from_pretrained(architecture)
        except (OSError, ValueError) as error:
            raise hub_error(option, architecture, "config.json") from error
    fields = dict(architecture)
    try:
        return AutoConfig.for_model(**fields)
    except (TypeError, ValueError, KeyError) as error:
        raise UserError(f"{option}.architecture: transformers does not take this configuration: {error}") from error


def _pretrained(option: str, architecture: Architecture, weights: str, config: PretrainedConfig) -> nn.Module:
    source = architecture if weights == "pretrained" else weights
    if not isinstance(source, str):
        raise UserError(f"{option}.weights: pretrained needs an architecture by name or folder; give a folder here")
    if weights != "pretrained" and not Path(source).is_dir():
        raise UserError(f"{option}.weights: there is no folder {source!r} (config.json and model.safetensors)")
    try:
        backbone: nn.Module
        backbone, report = AutoModel.from_pretrained(source, config=config, output_loading_info=True)
    except OSError as error:
        raise hub_error(option, source, "config.json and model.safetensors (or pytorch_model.bin)") from error
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{option}.weights: {source!r} does not fit the architecture: {error}") from error
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise UserError(f"{option}.weights: {source!r} lacks {len(missing)} tensors, among them {missing[:5]}")
    return backbone
