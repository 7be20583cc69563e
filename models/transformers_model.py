"""Models of transformers: from a name, a folder or the fields of a configuration to a module in float32."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Literal, TypedDict

import torch
from huggingface_hub.errors import StrictDataclassError
from pydantic import JsonValue
from torch import nn
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_BACKBONE_MAPPING,
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    MODEL_MAPPING,
    AutoBackbone,
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.utils import logging

from data.hub import local_path
from models.lora import adapted_model, adapter_folder, with_adapters_of
from models.weights import (
    DAMAGED,
    UNFIT,
    first_line,
    hub_error,
    is_of_a_further_block,
    raise_faults,
    unreadable_weights,
)
from options.errors import UserError

Architecture = str | Mapping[str, JsonValue]
Modality = Literal["text", "image"]
AutoClass = type[AutoModel] | type[AutoModelForTextEncoding] | type[AutoBackbone]
OTHER_PART = {"text": ("vision", "visual", "image"), "image": ("text",)}
"""How parts of a dual model begin that read the other modality."""


def build_model(modality: Modality, architecture: Architecture, weights: str) -> PreTrainedModel:
    """Return the part of a model that reads texts or images: a whole encoder, the encoder of an encoder-decoder, or
    one tower of a dual model such as CLIP, whose other tower is left out.

    Weights are float32, whatever type they are stored in. Raises UserError where architecture or weights cannot be had.
    """
    option = f"model.{modality}_encoder"
    if isinstance(architecture, str):
        architecture = local_path(architecture, f"{option}.architecture")
    weights = local_path(weights, f"{option}.weights")
    adapters = adapter_folder(architecture if weights == "pretrained" else weights)
    if isinstance(architecture, str) and adapter_folder(architecture) is not None:
        architecture = adapted_model(Path(architecture), f"{option}.architecture")
    config = _config(option, architecture)
    if hasattr(config, "rescale_every"):
        config.rescale_every = 0  # RWKV would divide its own weights in evaluation, which only float16 asks for
    library = _library(option, config, modality)
    if weights == "random":
        model = _random(option, config, library)
    else:
        source = architecture if weights == "pretrained" or adapters is not None else weights
        if source == weights and not Path(weights).is_dir():
            raise UserError(f"{option}.weights: there is no folder {weights!r} (config.json and model.safetensors)")
        model = _pretrained(option, source, config, library)
    if adapters is not None:
        model = with_adapters_of(model, adapters, f"{option}.weights")
    part = _part(model, modality)
    pooler = getattr(part, "pooler", None)
    if isinstance(pooler, nn.Module) and any(True for _ in pooler.parameters()):
        # Its output is not used; what cannot do without it calls it.
        may_lack = "add_pooling_layer" in signature(type(part)).parameters
        part.register_module("pooler", None if may_lack else nn.Identity())
    # transformers' loading leaves the module in evaluation mode.
    return part.train()


def is_dual(model: PreTrainedModel) -> bool:
    """Tell whether a model has a tower for texts and one for images."""
    return all(
        hasattr(model, name) for name in ("get_text_features", "get_image_features", "text_model", "vision_model")
    )


def _part(model: PreTrainedModel, modality: Modality) -> PreTrainedModel:
    if is_dual(model):
        for name, _ in list(model.named_children()):
            if name.startswith(OTHER_PART[modality]):
                model.register_module(name, None)
        for name, _ in list(model.named_parameters(recurse=False)):  # such as the scale of the other score
            model.register_parameter(name, None)
        return model
    if model.config.is_encoder_decoder:
        encoder = model.get_encoder()
        if not isinstance(encoder, PreTrainedModel):
            raise UserError(
                f"model.{modality}_encoder.architecture: the encoder of {type(model).__name__} does not stand alone in "
                "transformers: choose another architecture"
            )
        return encoder
    return model


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
    present = known.to_dict()
    for name in fields:
        # transformers keeps fields that it does not know, such as those of older versions, without a word.
        is_known = name in present or hasattr(known, name)
        if not is_known and (meant := get_close_matches(name, present, n=1, cutoff=0.85)):
            raise UserError(f"{option}.architecture: {model_type} has no field {name!r}; did you mean {meant[0]!r}?")
    try:
        return AutoConfig.for_model(**fields)
    except (*UNFIT, StrictDataclassError) as error:
        raise UserError(
            f"{option}.architecture: transformers does not take this configuration: "
            f"{first_line(error) if isinstance(error, KeyError) else error}"
        ) from error


def _library(option: str, config: PretrainedConfig, modality: Modality) -> AutoClass:
    """Return what builds a model without a task; raises UserError where nothing does."""
    libraries: dict[AutoClass, bool] = {
        # of T5 and its like the encoder alone, which T5Gemma's class would be only with another configuration
        AutoModelForTextEncoding: modality == "text"
        and type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING
        and config.model_type != "t5gemma",
        AutoModel: type(config) in MODEL_MAPPING,
        AutoBackbone: modality == "image" and type(config) in MODEL_FOR_BACKBONE_MAPPING,
    }
    for library, builds in libraries.items():
        if builds:
            return library
    raise UserError(
        f"{option}.architecture: transformers has no model of {config.model_type} that gives features of {modality}s "
        "without a task: choose another architecture"
    )


def _random(option: str, config: PretrainedConfig, library: AutoClass) -> PreTrainedModel:
    config.architectures = config.architectures or []  # of some types AutoModel looks for one among these
    try:
        model: PreTrainedModel = library.from_config(config, dtype=torch.float32)
    except (*UNFIT, ImportError) as error:
        raise UserError(
            f"{option}.architecture: transformers cannot build this configuration: {first_line(error)}"
        ) from error
    return model


def _pretrained(option: str, source: Architecture, config: PretrainedConfig, library: AutoClass) -> PreTrainedModel:
    if not isinstance(source, str):
        raise UserError(f"{option}.weights: pretrained needs an architecture by name or folder; give a folder here")
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # what is missing is said below, in one message
    try:
        model: PreTrainedModel
        model, report = library.from_pretrained(
            source, config=config, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True
        )
    except OSError as error:
        if Path(source).is_dir():
            raise unreadable_weights(f"{option}.weights", Path(source), error) from error
        raise hub_error(option, source, "config.json and model.safetensors (or pytorch_model.bin)") from error
    except DAMAGED as error:
        raise unreadable_weights(f"{option}.weights", Path(source), error) from error
    _check_report(f"{option}.weights: {source!r}", report, model)
    return model


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
