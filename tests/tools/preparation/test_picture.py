import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.colour_profiles import DISPLAY_P3, display_p3, in_srgb
from tools.preparation.picture import PictureSettings, UnreadablePictureError, stretch_picture


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def smooth_photo(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("size", [(800, 800), (801, 1203), (1499, 1101), (300, 1500)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_decoded_at_reduced_size_equals_one_that_is_decoded_in_full(size: tuple[int, int], mode: str) -> None:
    content = encoded(smooth_photo(*size).convert(mode), "JPEG", quality=90)
    expected = Image.open(io.BytesIO(content)).convert("RGB").resize((384, 384))
    found = stretch_picture(content, PictureSettings()).image
    assert np.abs(np.asarray(found, np.int16) - np.asarray(expected, np.int16)).mean() < 1.0


def test_transparent_parts_become_white() -> None:
    layer = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    found = stretch_picture(encoded(layer, "PNG"), PictureSettings(size=8)).image
    assert found.getextrema() == ((255, 255),) * 3


def test_the_orientation_counts_only_where_it_is_asked_for() -> None:
    picture = Image.new("RGB", (40, 20), "white")
    picture.paste("black", (0, 0, 40, 10))  # the upper half is black
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    content = encoded(picture, "JPEG", exif=exif, quality=95)
    stored = np.asarray(stretch_picture(content, PictureSettings(size=16)).image)[:, :, 0]
    upright = np.asarray(stretch_picture(content, PictureSettings(size=16, upright=True)).image)[:, :, 0]
    assert stored[:6].max() < 40
    assert upright[:, -6:].max() < 40
    assert upright[:, :6].min() > 200


def test_a_bomb_is_refused_from_its_header() -> None:
    content = encoded(Image.new("1", (3000, 3000)), "PNG")
    with pytest.raises(UnreadablePictureError, match="3000x3000 exceeds the limit of 1000000 pixels"):
        stretch_picture(content, PictureSettings(max_pixels=1_000_000))


def test_a_limit_above_that_of_pillow_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    content = encoded(Image.new("L", (100, 100)), "PNG")
    assert stretch_picture(content, PictureSettings(size=8, max_pixels=10_000)).repair is None
    assert Image.MAX_IMAGE_PIXELS == 1000
    with pytest.raises(UnreadablePictureError, match="exceeds the limit of 4000 pixels"):
        stretch_picture(content, PictureSettings(size=8, max_pixels=4000))


def test_metadata_of_the_source_do_not_reach_the_output() -> None:
    content = encoded(smooth_photo(50, 50), "JPEG", comment=b"secret", icc_profile=b"garbage")
    assert stretch_picture(content, PictureSettings(size=8)).image.info == {}


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_picture_is_turned_once_where_it_is_to_be_upright_and_not_otherwise(image_format: str) -> None:
    exif, stream = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = 6
    picture = Image.new("RGB", (40, 20), "white")
    picture.paste("black", (0, 0, 40, 10))
    picture.save(stream, image_format, exif=exif)
    stored, upright = (
        np.asarray(stretch_picture(stream.getvalue(), PictureSettings(size=16, upright=upright)).image)[:, :, 0]
        for upright in (False, True)
    )
    assert stored[:6].max() < 40
    assert stored[-6:].min() > 200
    assert upright[:, -6:].max() < 40
    assert upright[:, :6].min() > 200


def test_wide_colours_are_converted_where_that_is_asked_for() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), (250, 20, 40)).save(stream, "PNG", icc_profile=display_p3())
    kept, converted = (
        np.asarray(stretch_picture(stream.getvalue(), PictureSettings(size=16, color_profile=profile)).image)[0, 0]
        for profile in ("keep", "srgb")
    )
    assert kept.tolist() == [250, 20, 40]
    expected = in_srgb(np.array([250, 20, 40]) / 255, matrix=DISPLAY_P3)
    assert np.abs(converted.astype(int) - expected).max() <= 1


def test_heic_is_refused_by_name() -> None:
    with pytest.raises(UnreadablePictureError, match="it is HEIC, which is not read; convert it to JPEG"):
        stretch_picture(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", PictureSettings())
