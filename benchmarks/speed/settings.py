"""What is measured, how much of it and where: the models, as option files state them, have random weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


PREDICTED_PAIRS = 15_909
PREDICTED_ITEMS = 17_132
"""Of test B of the official data: 31,818 ends of pairs."""


@dataclass(frozen=True, slots=True)
class BenchmarkSettings:
    """How much is measured, and where."""

    work: Path
    """Folder for data, weights and outputs."""
    threads: int
    rounds: int = 3
    scale: float = 0.01
    """Share of the real workloads."""
    seed: int = 0
    size: ModelSize = MIDDLE
    training_steps: int = 2
    """Of a round."""
    demo_items: int = 1500
    growth: tuple[int, ...] = (100, 1_000, 10_000)
    """Items that are predicted to see how time and memory grow."""

    def scaled(self, count: int, least: int = 1) -> int:
        """Return the share of a real number."""
        return max(least, round(count * self.scale))
