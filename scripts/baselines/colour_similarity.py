"""Cosine of colour histograms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

BINS = 4
"""Bins of each of red, green and blue."""
SIDE = 64
"""Pixels a side that are counted."""


def colour_histograms(files: Iterable[Path]) -> NDArray[np.float64]:
    """Return the histogram of each picture, of length 1: (N, 64)."""
    return np.stack([colour_histogram(file) for file in tqdm(list(files), unit="image", desc="histograms")])


def colour_histogram(file: Path) -> NDArray[np.float64]:
    """Return how often each of 4 x 4 x 4 colours occurs in a picture, as a vector of length 1: (64,)."""
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB").resize((SIDE, SIDE)), dtype=np.int64) * BINS // 256
    cells = (pixels[..., 0] * BINS + pixels[..., 1]) * BINS + pixels[..., 2]
    counts = np.bincount(cells.ravel(), minlength=BINS**3).astype(np.float64)
    return counts / np.linalg.norm(counts)
