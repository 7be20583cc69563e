"""The colours of a picture, as numbers that are compared without any training.

Letters of shapes: N pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from data.image_store import ImageSource
from data.item_image import BadImageError

BINS = 4
"""Bins of each of red, green and blue."""
SIDE = 64
"""Pixels a side to which pictures are resized before counting."""


def colour_histograms(images: ImageSource, names: Sequence[str], *, blank_bad_images: bool = False) -> NDArray[np.float64]:
    """Return the histogram of each picture, of length 1: (N, 64), or of zeros for an unreadable one, if so wanted.

    Raises BadImageError for an unreadable one otherwise.
    """
    histograms = np.zeros((len(names), BINS**3))
    for place, name in enumerate(tqdm(names, unit="image", desc="histograms", leave=False)):
        try:
            histograms[place] = colour_histogram(images.read(name, SIDE))
        except BadImageError:
            if not blank_bad_images:
                raise
    return histograms


def colour_histogram(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the square roots of the shares of 4 x 4 x 4 colours in the middle of a picture: (64,), length 1.

    The picture is (SIDE, SIDE, 3). The middle half of height and width holds the product rather than its background.
    Square roots (the cosine is then Bhattacharyya's coefficient) keep the largest area from deciding alone.
    """
    pixels = picture.astype(np.int64) * BINS // 256
    middle = pixels[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4]
    cells = (middle[..., 0] * BINS + middle[..., 1]) * BINS + middle[..., 2]
    counts = np.bincount(cells.ravel(), minlength=BINS**3)
    roots: NDArray[np.float64] = np.sqrt(counts / counts.sum())
    return roots
