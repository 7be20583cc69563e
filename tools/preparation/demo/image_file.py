"""The files photographs come in: mostly JPEG, and whatever else sellers upload."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image


class FileKind(NamedTuple):
    """A way of storing a photograph."""

    suffix: str
    format: str
    mode: str
    share: float


FILE_KINDS = (
    FileKind(".jpg", "JPEG", "RGB", 0.86),
    FileKind(".jpg", "JPEG", "L", 0.015),
    FileKind(".jpg", "JPEG", "CMYK", 0.01),
    FileKind(".jpeg", "JPEG", "RGB", 0.03),
    FileKind(".SS2", "JPEG", "RGB", 0.015),
    FileKind(".png", "PNG", "RGB", 0.025),
    FileKind(".png", "PNG", "P", 0.01),
    FileKind(".gif", "GIF", "P", 0.02),
    FileKind(".bmp", "BMP", "RGB", 0.015),
)
"""How often each kind of file occurs. A grey picture hides the colour of the product."""


def draw_file_kind(rng: np.random.Generator) -> FileKind:
    """Choose the kind of file of one photograph."""
    return FILE_KINDS[int(rng.choice(len(FILE_KINDS), p=[kind.share for kind in FILE_KINDS]))]


def save_photograph(image: Image.Image, file: Path, kind: FileKind, rng: np.random.Generator) -> None:
    """Write a photograph as this kind of file, JPEG at a quality of the seller's own."""
    image = image.quantize(64, Image.Quantize.FASTOCTREE) if kind.mode == "P" else image.convert(kind.mode)
    if kind.format == "JPEG":
        image.save(file, "JPEG", quality=int(rng.integers(45, 93)))
    else:
        image.save(file, kind.format)
