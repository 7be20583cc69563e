from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from data.item_image import BadImageError, MissingImageError
from tools.views.explaining.memory_images import ImageUpload, MemoryImages


def test_a_picture_is_found_by_its_name() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    images = MemoryImages({"a": picture})
    assert images.read("a", 2) is picture
    assert images.content("a") == bytes(12)
    with pytest.raises(MissingImageError):
        images.read("b", 2)


def test_an_upload_is_decoded_as_an_image_file_and_a_damaged_one_refused() -> None:
    buffer = BytesIO()
    Image.new("RGB", (9, 7), (10, 20, 30)).save(buffer, "PNG")
    content = buffer.getvalue()
    assert (ImageUpload(content).read("x.png", 4) == [10, 20, 30]).all()
    assert ImageUpload(content).content("x.png") == content
    for broken in (b"", b"<svg/>", content[:-20]):
        with pytest.raises(BadImageError, match=r"x\.png"):
            ImageUpload(broken).read("x.png", 4)
