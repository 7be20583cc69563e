"""Small pictures of items, inside the page."""

from base64 import b64encode
from collections.abc import Iterable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from data.image_store import ImageSource
from data.item_catalog import ItemCatalog
from data.item_image import BadImageError

SIDE = 192
"""Pixels of width and height."""
QUALITY = 72
"""Of the JPEG, 1 to 95."""


def thumbnails(catalog: ItemCatalog, images: ImageSource, rows: Iterable[int]) -> dict[int, str]:
    """Return the data URI of the picture of each of these rows of the catalogue; unreadable pictures are left out."""
    uris = {}
    for row in tqdm(list(rows), desc="pictures", unit="picture", leave=False, disable=None):
        try:
            pixels = images.read(catalog[row].image, SIDE)
        except BadImageError:
            continue  # the page says that there is no picture
        uris[row] = picture_uri(pixels)
    return uris


def picture_uri(pixels: NDArray[np.uint8]) -> str:
    """Return a picture (H, W, 3) as a data URI."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode('ascii')}"
