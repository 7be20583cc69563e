"""Text and image encoders of transformers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypedDict

import torch
from huggingface_hub.errors import StrictDataclassError
from pydantic import JsonValue
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, PretrainedConfig
from transformers.utils import logging

from data.hub import local_path
from data.pair_batch import ItemBatch
from models.encoder import Encoder, FeatureGroup
from models.weights import DAMAGED, UNFIT, hub_error, is_of_a_further_block, raise_faults, unreadable_weights
from options.errors import UserError

Architecture = str | Mapping[str, JsonValue]
TextPooling = Literal["cls", "words"]

OF_ITS_ORIGIN = frozenset({"_name_or_path", "architectures", "dtype", "transformers_version"})
"""Fields of a configuration that say where it comes from; features depend on none of them but by the weights."""


class TransformersEncoder(Encoder):
    """What the encoders of transformers have in common."""

    def __init__(self, backbone: nn.Module, width: int, pooling: str) -> None:
        super().__init__()
        self.backbone = backbone
        self.width = width
        self.pooling = pooling

    def extra_repr(self) -> str:
        """Say what features depend on that neither weights nor modules tell, such as the number of heads."""
        config = self.backbone.config
        assert isinstance(config, PretrainedConfig)
        fields = {name: value for name, value in config.to_dict().items() if name not in OF_ITS_ORIGIN}
        return f"pooling={self.pooling}, config={json.dumps(fields, sort_keys=True, default=str)}"

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        try:
            self.backbone.activation_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
        except ValueError as error:
            name = type(self.backbone).__name__
            raise UserError(
                f"train.activation_checkpointing: {name} of transformers cannot; set it to false"
            ) from error


class TransformersTextEncoder(TransformersEncoder):
    """The last hidden state at [CLS], without a pooler, or means over all tokens."""

    modality = "text"

    def __init__(self, backbone: nn.Module, width: int, pooling: TextPooling = "cls") -> None:
        """Take a backbone; raises UserError for one that does not read tokens."""
        super().__init__(backbone, 2 * width if pooling == "words" else width, pooling)
        try:
            self.num_token_ids = int(backbone.get_input_embeddings().num_embeddings)  # type: ignore[operator]
        except (AttributeError, NotImplementedError) as error:
            raise UserError(
                f"model.text_encoder.architecture: {type(backbone).__name__} reads no tokens: give a model of texts"
            ) from error

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """One group; embeddings of words and last states are blocks of it."""
        num_blocks = 2 if self.pooling == "words" else 1
        return (FeatureGroup(self.modality, (self.width // num_blocks,) * num_blocks),)

    def forward(self, items: ItemBatch) -> Tensor:
        """Return the features of N texts: (N, width)."""
        has_words = self.pooling == "words"
        output = self.backbone(
            input_ids=items.token_ids, attention_mask=items.attention_mask, output_hidden_states=has_words
        )
        last: Tensor = output.last_hidden_state
        if not has_words:
            return last[:, 0]
        states = (output.hidden_states[0], last)
        return torch.cat([_mean(hidden, items.attention_mask) for hidden in states], dim=1)


def _mean(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the mean over tokens of hidden states (N, L, width): (N, width)."""
    is_token = attention_mask[:, :, None]
    return (hidden * is_token).sum(dim=1) / is_token.sum(dim=1)


class TransformersImageEncoder(TransformersEncoder):
    """The last hidden states, pooled: the mean over places (as Swin does) or the first ([CLS])."""

    modality = "image"

    def forward(self, items: ItemBatch) -> Tensor:
        """Return the pooled features of N images: (N, width)."""
        hidden: Tensor = self.backbone(pixel_values=items.images).last_hidden_state
        if hidden.ndim == 4:  # convolutional: (N, width, H, W)
            hidden = hidden.flatten(2).transpose(1, 2)
        return hidden.mean(dim=1) if self.pooling == "mean" else hidden[:, 0]


def build_transformers_text_encoder(
    architecture: Architecture, weights: str, pooling: TextPooling = "cls"
) -> TransformersTextEncoder:
    """Build a text encoder; raises UserError for an architecture or weights that cannot be had."""
    backbone, width = _backbone("model.text_encoder", architecture, weights)
    return TransformersTextEncoder(backbone, width, pooling)


def build_transformers_image_encoder(
    architecture: Architecture, pooling: Literal["mean", "cls"], weights: str
) -> TransformersImageEncoder:
    """Build an image encoder; raises UserError for an architecture or weights that cannot be had."""
    backbone, width = _backbone("model.image_encoder", architecture, weights)
    return TransformersImageEncoder(backbone, width, pooling)


def _backbone(option: str, architecture: Architecture, weights: str) -> tuple[nn.Module, int]:
    if isinstance(architecture, str):
        architecture = local_path(architecture, f"{option}.architecture")
    weights = local_path(weights, f"{option}.weights")
    config = _config(option, architecture)
    width = getattr(config, "hidden_sizes", [None])[-1] or getattr(config, "hidden_size", None)
    if not isinstance(width, int):
        raise UserError(f"{option}.architecture: {config.model_type} has no hidden_size: no encoder of one modality")
    backbone = _random(option, config) if weights == "random" else _pretrained(option, architecture, weights, config)
    pooler = getattr(backbone, "pooler", None)
    if pooler is not None and any(True for _ in pooler.parameters()):
        # Its output is not used, and data-parallel training wants a gradient for every weight.
        backbone.register_module("pooler", None)
    # transformers' loading leaves the module in evaluation mode.
    return backbone.train(), width


def _config(option: str, architecture: Architecture) -> PretrainedConfig:
    if not isinstance(architecture, str):
        return _inline_config(option, dict(architecture))
    try:
        return AutoConfig.from_pretrained(architecture)
    except (OSError, ValueError, StrictDataclassError) as error:
        if Path(architecture).is_dir():
            raise UserError(f"{option}.architecture: {architecture!r} has no usable config.json: {error}") from error
        raise hub_error(option, architecture, "config.json") from error


def _inline_config(option: str, fields: dict[str, JsonValue]) -> PretrainedConfig:
    model_type = fields.get("model_type")
    if not isinstance(model_type, str) or model_type not in CONFIG_MAPPING:
        near = get_close_matches(str(model_type), list(CONFIG_MAPPING.keys()), n=3)
        advice = f"; near ones: {', '.join(near)}" if near else ""
        raise UserError(f"{option}.architecture.model_type: transformers has no {model_type!r}{advice}")
    known = AutoConfig.for_model(model_type)
    for name in fields:
        # transformers keeps fields that it does not know, such as those of older versions, without a word.
        meant = [] if hasattr(known, name) else get_close_matches(name, known.to_dict(), n=1, cutoff=0.85)
        if meant:
            raise UserError(f"{option}.architecture: {model_type} has no field {name!r}; did you mean {meant[0]!r}?")
    try:
        return AutoConfig.for_model(**fields)
    except (TypeError, ValueError, KeyError, StrictDataclassError) as error:
        raise UserError(f"{option}.architecture: transformers does not take this configuration: {error}") from error


def _random(option: str, config: PretrainedConfig) -> nn.Module:
    try:
        backbone: nn.Module = AutoModel.from_config(config)
    except UNFIT as error:
        raise UserError(f"{option}.architecture: transformers cannot build this configuration: {error}") from error
    return backbone


def _pretrained(option: str, architecture: Architecture, weights: str, config: PretrainedConfig) -> nn.Module:
    source = architecture if weights == "pretrained" else weights
    if not isinstance(source, str):
        raise UserError(f"{option}.weights: pretrained needs an architecture by name or folder; give a folder here")
    if weights != "pretrained" and not Path(source).is_dir():
        raise UserError(f"{option}.weights: there is no folder {source!r} (config.json and model.safetensors)")
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # what is missing is said below, in one message
    try:
        backbone: nn.Module
        backbone, report = AutoModel.from_pretrained(
            source, config=config, output_loading_info=True, ignore_mismatched_sizes=True
        )
    except OSError as error:
        if Path(source).is_dir():
            raise unreadable_weights(f"{option}.weights", Path(source), error) from error
        raise hub_error(option, source, "config.json and model.safetensors (or pytorch_model.bin)") from error
    except DAMAGED as error:
        raise unreadable_weights(f"{option}.weights", Path(source), error) from error
    _check_report(f"{option}.weights: {source!r}", report, backbone)
    return backbone


class _LoadingReport(TypedDict):
    """What transformers says of a state that it loaded."""

    missing_keys: Iterable[str]
    unexpected_keys: Iterable[str]
    mismatched_keys: Iterable[tuple[str, Sequence[int], Sequence[int]]]


def _check_report(origin: str, report: _LoadingReport, backbone: nn.Module) -> None:
    """Raise one UserError that names every tensor that the source lacks, has in another shape, or in further layers.

    Other surplus is left out, such as a head that predicts words.
    """
    faults = [f"missing {name}" for name in sorted(report["missing_keys"]) if not name.startswith("pooler.")]
    faults += [
        f"{name} is {'x'.join(map(str, found))} and should be {'x'.join(map(str, wanted))}"
        for name, found, wanted in sorted(report["mismatched_keys"])
        if not name.startswith("pooler.")
    ]
    own = backbone.state_dict()
    surplus = [name.removeprefix(f"{backbone.base_model_prefix}.") for name in sorted(report["unexpected_keys"])]
    faults += [f"surplus {name}" for name in surplus if is_of_a_further_block(name, own)]
    raise_faults(faults, f"{origin}: does not fit the architecture")
