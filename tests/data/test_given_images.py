from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.given_images import GivenImages
from data.item_image import BadImageError, MissingImageError


def png(size: tuple[int, int]) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, (10, 20, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def test_pixels_are_found_by_their_name() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    images = GivenImages({"a": picture})
    assert images.read("a", 2) is picture
    assert images.content("a") == bytes(12)
    with pytest.raises(MissingImageError):
        images.read("b", 2)


def test_a_path_bytes_and_an_opened_image_give_the_same_pixels(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(png((9, 7)))
    images = GivenImages({"path": file, "text": str(file), "bytes": png((9, 7)), "image": Image.open(file)})
    for name in images.pictures:
        assert images.read(name, 4).shape == (4, 4, 3)
        assert (images.read(name, 4) == [10, 20, 30]).all()
    assert images.content("path") == images.content("bytes") == png((9, 7))


def test_bytes_of_a_damaged_file_are_refused_by_name() -> None:
    for broken in (b"", b"<svg/>", png((9, 7))[:-20]):
        with pytest.raises(BadImageError, match=r"x\.png"):
            GivenImages({"x.png": broken}).read("x.png", 4)
