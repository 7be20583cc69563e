from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from data.image_decoding import stretched, to_rgb
from data.options import PictureRules


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "I", "F", "I;16", "CMYK", "L"])
def test_a_picture_converted_band_by_band_is_that_converted_at_once(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    if mode in ("I", "F", "I;16"):
        image = Image.fromarray(rng.integers(0, 60_000, (30, 20)).astype({"I": "i4", "F": "f4", "I;16": "u2"}[mode]))
    else:
        image = Image.fromarray(rng.integers(0, 256, (30, 20, 4)).astype(np.uint8), "RGBA").convert(mode)
    if mode == "P":
        image.info["transparency"] = 3
    whole = np.asarray(to_rgb(image.copy()))
    monkeypatch.setattr("data.image_decoding.BAND_PIXELS", 7 * 20)
    np.testing.assert_array_equal(np.asarray(to_rgb(image)), whole)


def test_deep_grey_is_scaled_and_not_clipped() -> None:
    deep = Image.fromarray(np.array([[0, 257, 32896, 65535]], dtype=np.uint16))
    assert np.asarray(to_rgb(deep))[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("mode", ["u2", "i4"])
@pytest.mark.parametrize(
    ("deep", "expected"),
    [([32896, 65535], [128, 255]), ([0, 32896], [0, 128]), ([257, 514], [1, 2]), ([65535, 65535], [255, 255])],
)
def test_deep_grey_without_black_or_white_is_not_stretched(mode: str, deep: list[int], expected: list[int]) -> None:
    assert np.asarray(to_rgb(Image.fromarray(np.array([deep], mode))))[0, :, 0].tolist() == expected


def test_a_lab_picture_keeps_its_colour() -> None:
    red = to_rgb(Image.new("LAB", (4, 4), (136, 208, 195))).getpixel((0, 0))  # L 53, a 80, b 67
    assert isinstance(red, tuple)
    assert red[0] > 230
    assert max(red[1:]) < 40


def oriented(mark: int) -> Image.Image:
    """A JPEG whose upper half is black, with an orientation mark."""
    picture = Image.new("RGB", (40, 20), "white")
    picture.paste("black", (0, 0, 40, 10))
    exif, stream = Image.Exif(), BytesIO()
    exif[0x0112] = mark
    picture.save(stream, "JPEG", exif=exif, quality=95)
    return Image.open(stream)


@pytest.mark.parametrize(("mark", "black"), [(1, "top"), (3, "bottom"), (6, "right"), (8, "left"), (99, "top")])
def test_a_picture_is_turned_where_it_is_to_be_upright(mark: int, black: str) -> None:
    for quick in (False, True):
        pixels = np.asarray(stretched(oriented(mark), 16, PictureRules(upright=True), quick=quick))
        halves = {"top": pixels[:6], "bottom": pixels[-6:], "left": pixels[:, :6], "right": pixels[:, -6:]}
        assert halves[black].max() < 40
        assert np.asarray(stretched(oriented(mark), 16, quick=quick))[:6].max() < 40


def test_quick_stretching_makes_a_small_difference() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(noise).resize((1501, 1103), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    usual, quick = (np.asarray(stretched(Image.open(stream), 64, quick=quick), np.int16) for quick in (False, True))
    assert 0 < np.abs(usual - quick).mean() < 1
