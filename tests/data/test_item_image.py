import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data import item_image
from data.image_bytes import FORMATS
from data.item_image import BadImageError, find_image, read_image
from tests.endurance.image_mutations import good_images

SIZE = 32


def photograph(width: int = SIZE, height: int = SIZE) -> Image.Image:
    """A smooth picture of all colours with a little noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    colours = np.stack([255 * rows / height, 255 * columns / width, 127 + 0 * rows], axis=2)
    noise = np.random.default_rng(0).integers(-4, 5, colours.shape)
    return Image.fromarray(np.clip(colours + noise, 0, 255).astype(np.uint8))


def saved(image: Image.Image, file: Path, image_format: str, **settings: object) -> Path:
    image.save(file, image_format, **settings)
    return file


@pytest.mark.parametrize(
    ("image_format", "mode"),
    [
        *((image_format, "RGB") for image_format in FORMATS),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("PNG", "L"),
        ("PNG", "1"),
        ("PNG", "P"),
        ("GIF", "L"),
        ("BMP", "1"),
        ("TIFF", "CMYK"),
        ("TIFF", "LAB"),
    ],
)
@pytest.mark.parametrize("suffix", ["SS2", "jpg"])
def test_a_picture_of_the_right_size_has_the_pixels_of_its_file(
    tmp_path: Path, image_format: str, mode: str, suffix: str
) -> None:
    image = photograph() if mode == "RGB" else Image.new("LAB", (SIZE, SIZE), (90, 20, 40)) if mode == "LAB" else (
        photograph().convert(mode)
    )  # fmt: skip
    file = saved(image, tmp_path / f"a.{suffix}", image_format)
    with Image.open(file) as plain:
        expected = np.asarray(plain.convert("RGB"))
    pixels = read_image(file, SIZE)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, expected)


def test_a_cmyk_jpeg_shows_its_colours_and_not_their_negative(tmp_path: Path) -> None:
    red = Image.new("RGB", (SIZE, SIZE), (250, 10, 10)).convert("CMYK")
    pixels = read_image(saved(red, tmp_path / "a.jpg", "JPEG", quality=95), SIZE)
    assert np.abs(pixels.astype(int) - (250, 10, 10)).max() < 8


def test_of_several_pictures_in_a_file_the_first_counts(tmp_path: Path) -> None:
    for image_format in ("GIF", "MPO", "TIFF", "WEBP"):
        first, second = Image.new("RGB", (SIZE, SIZE), "red"), Image.new("RGB", (SIZE, SIZE), "blue")
        file = saved(first, tmp_path / "a.gif", image_format, save_all=True, append_images=[second])
        assert np.abs(read_image(file, SIZE).astype(int) - (255, 0, 0)).max() < 5


@pytest.mark.parametrize("image_format", ["PNG", "GIF", "WEBP"])
def test_transparent_parts_become_white(tmp_path: Path, image_format: str) -> None:
    image = Image.new("RGBA", (SIZE, SIZE), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, SIZE, SIZE // 2))
    pixels = read_image(saved(image, tmp_path / "a", image_format, **{"lossless": True}), SIZE)
    np.testing.assert_array_equal(pixels[: SIZE // 2], 255)
    np.testing.assert_array_equal(pixels[SIZE // 2 :], np.broadcast_to((255, 0, 0), (SIZE // 2, SIZE, 3)))


def test_half_transparent_parts_are_mixed_with_white_and_palettes_may_be_transparent(tmp_path: Path) -> None:
    half = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 128))
    assert np.unique(read_image(saved(half, tmp_path / "a.png", "PNG"), SIZE)).tolist() == [127]
    palette = Image.new("P", (SIZE, SIZE), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(0, (0, 0, SIZE, 4))
    pixels = read_image(saved(palette, tmp_path / "b.png", "PNG", transparency=0), SIZE)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[5, 0].tolist() == [0, 0, 255]


def test_deep_grey_values_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, SIZE * SIZE).reshape(SIZE, SIZE)
    expected = np.repeat(np.rint(deep.astype(np.uint16) / 257)[..., None], 3, axis=2)
    for name in ("a.png", "a.tiff"):
        file = saved(Image.fromarray(deep.astype(np.uint16)), tmp_path / name, name[2:].upper())
        np.testing.assert_array_equal(read_image(file, SIZE), expected)
    file = saved(Image.fromarray((deep / 65535 - 0.5).astype(np.float32)), tmp_path / "b.tiff", "TIFF")
    assert np.abs(read_image(file, SIZE) - expected).max() <= 1


def test_a_picture_of_another_size_is_stretched_whole(tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 16), "blue")
    image.paste((255, 0, 0), (0, 0, 32, 16))
    pixels = read_image(saved(image, tmp_path / "a.png", "PNG"), SIZE)
    assert pixels.shape == (SIZE, SIZE, 3)
    assert (pixels[:, :14] == (255, 0, 0)).all()
    assert (pixels[:, 18:] == (0, 0, 255)).all()


@pytest.mark.parametrize(("width", "height"), [(200, 200), (333, 129), (65, 70), (40, 300)])
def test_a_jpeg_decoded_at_a_reduced_size_looks_like_the_whole_one_reduced(
    tmp_path: Path, width: int, height: int
) -> None:
    file = saved(photograph(width, height), tmp_path / "a.jpg", "JPEG", quality=95)
    with Image.open(file) as plain:
        expected = np.asarray(plain.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    difference = np.abs(read_image(file, SIZE).astype(int) - expected)
    assert difference.mean() < 1
    assert difference.max() < 12


def test_an_orientation_mark_is_passed_over(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved(photograph(), tmp_path / "a.jpg", "JPEG", exif=exif)
    plain = saved(photograph(), tmp_path / "b.jpg", "JPEG")
    np.testing.assert_array_equal(read_image(turned, SIZE), read_image(plain, SIZE))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0, 0.02, 0.6])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, image_format: str, share: float) -> None:
    content = io.BytesIO()
    photograph(90, 90).save(content, image_format)
    file = tmp_path / "cut.jpg"
    file.write_bytes(content.getvalue()[: int(share * len(content.getvalue()))])
    with pytest.raises(BadImageError, match=f"^{re.escape(str(file))}: unreadable image: .") as caught:
        read_image(file, SIZE)
    assert str(caught.value).count(str(file)) == 1


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_is_read_or_refused_by_name(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image_format = ("JPEG", "PNG", "GIF", "BMP", "WEBP")[seed % 5]
    content = io.BytesIO()
    photograph().save(content, image_format)
    damaged = np.frombuffer(content.getvalue(), np.uint8).copy()
    damaged[rng.integers(0, len(damaged), 12)] = rng.integers(0, 256, 12)
    file = tmp_path / "damaged.jpg"
    file.write_bytes(damaged.tobytes())
    try:
        assert read_image(file, SIZE).shape == (SIZE, SIZE, 3)
    except BadImageError as error:
        assert str(file) in str(error)  # noqa: PT017


def test_missing_files_folders_and_files_without_a_picture_are_named(tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_text("<html>not found</html>")
    (tmp_path / "drawing.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    for name in ("missing.jpg", ".", "page.jpg", "drawing.jpg"):
        with pytest.raises(BadImageError, match=f"^{re.escape(str(tmp_path / name))}: unreadable image: ."):
            read_image(tmp_path / name, SIZE)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(Image.new("1", (20_000, 20_000)), tmp_path / "bomb.png", "PNG")
    monkeypatch.setattr(item_image, "stretched", lambda image, size: pytest.fail("it was decoded"))
    with pytest.raises(BadImageError, match=r"bomb\.png: unreadable image: .*400000000 pixels"):
        read_image(file, SIZE)
    monkeypatch.setattr(item_image, "MAX_PIXELS", 100 * 100 - 1)
    with pytest.raises(BadImageError, match=r"large\.png: .*100 x 100 .* pixels are too many"):
        read_image(saved(Image.new("L", (100, 100)), tmp_path / "large.png", "PNG"), SIZE)


@pytest.mark.parametrize(
    ("kind", "share"), [("png", 1), ("webp lossless", 2), ("webp animated", 2), ("bmp packed", 10)]
)
def test_formats_that_cost_more_may_have_fewer_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, share: int
) -> None:
    (tmp_path / "a").write_bytes(good_images()[kind])
    monkeypatch.setattr(item_image, "MAX_PIXELS", share * 56 * 40)
    read_image(tmp_path / "a", SIZE)
    monkeypatch.setattr(item_image, "MAX_PIXELS", share * 56 * 40 - 1)
    with pytest.raises(BadImageError, match="56 x 40 = 2240 pixels are too many"):
        read_image(tmp_path / "a", SIZE)


def test_a_riff_file_without_a_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(BadImageError, match="unreadable image: the WEBP header is damaged"):
        read_image(tmp_path / "a.wav", SIZE)


def test_an_image_is_found_by_its_name_or_as_the_jpeg_that_preprocessing_made_of_it(tmp_path: Path) -> None:
    (tmp_path / "both.png").touch()
    (tmp_path / "both.jpg").touch()
    (tmp_path / "made.jpg").touch()
    assert find_image(tmp_path, "both.png") == tmp_path / "both.png"
    assert find_image(tmp_path, "made.SS2") == tmp_path / "made.jpg"
    assert find_image(tmp_path, "missing.png") == tmp_path / "missing.png"


@pytest.mark.parametrize("name", ["a" * 255, "花" * 85, "a" * 256])
def test_a_name_as_long_as_any_can_be_is_an_image_like_others(tmp_path: Path, name: str) -> None:
    assert find_image(tmp_path, name) == tmp_path / name
    with pytest.raises(BadImageError, match="unreadable image"):
        read_image(find_image(tmp_path, name), 8)


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_is_known_in_a_fresh_process(tmp_path: Path, image_format: str) -> None:
    file = tmp_path / "picture.jpg"
    Image.new("RGB", (4, 4), "red").save(file, image_format)
    code = f"from pathlib import Path; from data.item_image import read_image; read_image(Path({str(file)!r}), 4)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
