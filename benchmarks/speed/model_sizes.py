"""The models that are measured, as option files state them, with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

MAX_TOKENS = 140
PHOTO_SIZE = 384
Shape = tuple[int, int, int]
"""Rows, inner extent and columns of a matrix product."""


@dataclass(frozen=True, slots=True)
class ModelSize:
    """A model and the matrix products of which its work mostly consists."""

    name: str
    description: str
    model: Mapping[str, JsonValue]
    """The model section of an option file."""
    image_size: int
    products: tuple[Shape, ...]
    photo_size: int = PHOTO_SIZE
    """Of the files. A JPEG of twice the image size or more is decoded smaller, which the plain way does not do."""


def _model(
    architecture: str, arguments: Mapping[str, JsonValue], text: Mapping[str, JsonValue], width: int
) -> dict[str, JsonValue]:
    return {
        "image_encoder": {
            "name": "timm",
            "architecture": architecture,
            # Without randomness two ways of training can be compared.
            "arguments": {"drop_path_rate": 0.0, **arguments},
            "weights": "random",
        },
        "text_encoder": {
            "name": "transformers",
            "architecture": {
                "model_type": "bert",
                "vocab_size": 21128,
                "hidden_dropout_prob": 0.0,
                "attention_probs_dropout_prob": 0.0,
                **text,
            },
            "weights": "random",
        },
        "embedding_width": width,
    }


TINY = ModelSize(
    "tiny",
    "a Swin of two blocks at 32 x 32 pixels and a BERT of one layer, to see that everything runs",
    _model(
        "swin_tiny_patch4_window7_224",
        {"img_size": 32, "window_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4]},
        {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64},
        16,
    ),
    32,
    ((64, 32, 64),),
    photo_size=48,
)
MIDDLE = ModelSize(
    "middle",
    "swin_tiny_patch4_window7_224 at 224 x 224 pixels and a BERT of 6 layers, 768 wide, in two branches",
    _model("swin_tiny_patch4_window7_224", {}, {"num_hidden_layers": 6}, 512),
    224,
    ((3136, 768, 3072), (3136, 3072, 768), (12544, 384, 1536), (4096, 768, 768)),
)
FULL = ModelSize(
    "full",
    "swin_large_patch4_window12_384 at 384 x 384 pixels and RoBERTa-base, in two branches (594 million parameters)",
    _model("swin_large_patch4_window12_384", {}, {}, 512),
    384,
    ((2304, 768, 3072), (2304, 3072, 768), (576, 1536, 6144), (4096, 1024, 4096)),
)
SIZES = {size.name: size for size in (TINY, MIDDLE, FULL)}
