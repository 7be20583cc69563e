from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from data.item_catalog import ItemCatalog
from data.item_image import BadImageError
from tests.tools.views.reporting.synthetic import PlainImages, invented_item
from tools.views.reporting.thumbnails import SIDE, thumbnails

CATALOG = ItemCatalog(map(invented_item, range(4)))


@dataclass(frozen=True)
class OneBroken:
    """Images of which that of item 2 cannot be read."""

    path: Path = Path("images")

    def read(self, name: str, size: int) -> np.ndarray:
        if name == "2.jpg":
            raise BadImageError("2.jpg: unreadable image")
        return PlainImages().read(name, size)

    def newest(self, names: object) -> int:
        return 0


def test_a_thumbnail_is_a_small_jpeg_inside_an_address() -> None:
    uri = thumbnails(CATALOG, PlainImages(), [1])[1]
    head, _, content = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(BytesIO(b64decode(content))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (SIDE, SIDE))


def test_unreadable_pictures_are_left_out() -> None:
    assert set(thumbnails(CATALOG, OneBroken(), [1, 2, 3])) == {1, 3}
