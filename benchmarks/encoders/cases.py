"""What is tried: every text and every vision model of transformers, and every family of timm at its smallest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import timm
from pydantic import JsonValue
from transformers.models.auto import modeling_auto

from benchmarks.encoders.timm_families import ARGUMENTS, SIZES, SMALLEST
from benchmarks.encoders.tiny import POSITIONS, VOCABULARY, tiny_config
from data.options import ImageOptions
from models.options import ModelOptions

Kind = Literal["text", "timm", "vision"]
KINDS: tuple[Kind, ...] = get_args(Kind)
VISION_SIZE = 64
TIMM_SIZE = 128
"""Pixels a side, where a family of timm takes any number."""
MAX_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Case:
    """An encoder to try."""

    kind: Kind
    name: str
    """Type of model of transformers; model of timm."""
    model: ModelOptions
    image: ImageOptions

    @property
    def is_text(self) -> bool:
        """Whether it reads texts."""
        return self.kind == "text"


def names_of(kind: Kind) -> list[str]:
    """Return the names of all cases of a kind, in alphabetical order."""
    return {"text": _text_types, "timm": lambda: list(SMALLEST), "vision": _vision_types}[kind]()


def make_case(kind: Kind, name: str) -> Case:
    """Return a case by its name."""
    if kind == "timm":
        settings = timm.models.get_pretrained_cfg(name)
        own = settings.input_size[-1] if settings is not None else 224
        is_fixed = settings is not None and settings.fixed_input_size
        size = SIZES.get(name, own if is_fixed else min(own, TIMM_SIZE))
        timm_encoder = {"name": "timm", "architecture": name, "weights": "random", "arguments": ARGUMENTS.get(name, {})}
        return _case(kind, name, {"image_encoder": timm_encoder}, size)
    config = tiny_config(name, None if kind == "text" else VISION_SIZE)
    encoder: dict[str, JsonValue] = {"name": "transformers", "architecture": config, "weights": "random"}
    return _case(kind, name, {"text_encoder" if kind == "text" else "image_encoder": encoder}, VISION_SIZE)


def _case(kind: Kind, name: str, encoders: Mapping[str, object], size: int) -> Case:
    tree = {"embedding_width": 8, "share_encoders": True, **encoders}
    return Case(kind, name, ModelOptions.model_validate(tree), ImageOptions(size=size))


def _text_types() -> list[str]:
    """Return the types of model that fill gaps in texts, continue, translate or encode them, or compare with images."""
    types = {
        *modeling_auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES,
        "canine",
    }
    plain = {*modeling_auto.MODEL_MAPPING_NAMES, *modeling_auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES}
    return sorted(types & plain)


def _vision_types() -> list[str]:
    """Return the types of model that name or mask images, are backbones or compare images with texts."""
    types = {
        *modeling_auto.MODEL_FOR_IMAGE_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_MASKED_IMAGE_MODELING_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_BACKBONE_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES,
    }
    return sorted(types)


assert MAX_TOKENS < POSITIONS < VOCABULARY
