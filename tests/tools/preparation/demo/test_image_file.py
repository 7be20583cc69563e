import numpy as np
import pytest
from PIL import Image

from tools.preparation.demo.image_file import FILE_KINDS, draw_file_kind, save_photograph


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_every_kind_of_file_is_read_back(kind, tmp_path):
    picture = Image.new("RGB", (40, 40), (200, 40, 40))
    file = tmp_path / f"picture{kind.suffix}"
    save_photograph(picture, file, kind, np.random.default_rng(0))
    with Image.open(file) as image:
        assert (image.format, image.mode, image.size) == (kind.format, kind.mode, (40, 40))
        red, green, _ = np.asarray(image.convert("RGB"))[20, 20].tolist()
    assert (abs(red - green) < 10) if kind.mode == "L" else (red > 150 and green < 90)


def test_the_shares_add_up_to_everything():
    assert sum(kind.share for kind in FILE_KINDS) == pytest.approx(1)


def test_most_files_are_jpg():
    rng = np.random.default_rng(0)
    suffixes = [draw_file_kind(rng).suffix for _ in range(1000)]
    assert 830 < suffixes.count(".jpg") < 930
    assert {".png", ".gif", ".bmp", ".SS2", ".jpeg"} < set(suffixes)
