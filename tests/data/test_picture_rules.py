"""What of a picture's metadata is obeyed, and where its first frame lies, against slow computations of our own."""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from data.image_store import GivenImages, ImageFolder
from data.item_image import BadImageError, decode_image
from data.options import ImageOptions, PictureRules
from tests.colour_profiles import DISPLAY_P3, display_p3, grey, in_srgb, ink

SIZE = 16
UPRIGHT, IN_SRGB = PictureRules(upright=True), PictureRules(color_profile="srgb")
NOISE = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
WAYS = [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 100, "subsampling": 0}), ("AVIF", {"quality": 100, "subsampling": "4:4:4"})]  # fmt: skip
LOSSY = {"JPEG": 4, "AVIF": 5}
"""Levels by which a pixel of theirs may differ."""


def saved(image: Image.Image, image_format: str, **settings: object) -> bytes:
    stream = BytesIO()
    image.save(stream, image_format, **settings)
    return stream.getvalue()


def turned(pixels: NDArray[np.uint8], mark: int) -> NDArray[np.uint8]:
    """The picture as it is to be seen: the mark says where its stored first row and first column are (TIFF 6.0)."""
    first_row, first_column = {1: "TL", 2: "TR", 3: "BR", 4: "BL", 5: "LT", 6: "RT", 7: "RB", 8: "LB"}[mark]
    seen = np.empty_like(pixels)
    last = len(pixels) - 1
    for row in range(len(pixels)):
        for column in range(len(pixels)):
            along = {"T": row, "B": last - row, "L": row, "R": last - row}[first_row]
            across = {"T": column, "B": last - column, "L": column, "R": last - column}[first_column]
            place = (along, across) if first_row in "TB" else (across, along)
            seen[place] = pixels[row, column]
    return seen


def marked(mark: int, image_format: str, **settings: object) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = mark
    return saved(Image.fromarray(NOISE), image_format, exif=exif, **settings)


@pytest.mark.parametrize(("image_format", "settings"), WAYS)
@pytest.mark.parametrize("mark", range(1, 9))
def test_a_picture_is_turned_where_that_is_asked_for_and_nowhere_else(
    image_format: str, settings: dict[str, object], mark: int
) -> None:
    content = marked(mark, image_format, **settings)
    opened = GivenImages({"a": Image.open(BytesIO(content))}, UPRIGHT).read("a", SIZE)
    for pixels, expected in (
        (decode_image(content, SIZE), NOISE),
        (decode_image(content, SIZE, UPRIGHT), turned(NOISE, mark)),
        (opened, turned(NOISE, mark)),
    ):
        assert np.abs(pixels.astype(int) - expected).max() <= LOSSY.get(image_format, 0)


def test_an_orientation_behind_the_pixels_of_a_png_is_read() -> None:
    content = marked(6, "PNG")
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4])
    behind = content[:start] + content[end:-12] + content[start:end] + content[-12:]
    np.testing.assert_array_equal(decode_image(behind, SIZE, UPRIGHT), turned(NOISE, 6))


def test_a_damaged_orientation_is_no_fault_of_the_picture() -> None:
    content = saved(Image.fromarray(NOISE), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    np.testing.assert_array_equal(decode_image(content, SIZE, UPRIGHT), NOISE)


@pytest.mark.parametrize(("image_format", "settings"), WAYS)
def test_wide_colours_become_those_of_srgb_where_that_is_asked_for(
    image_format: str, settings: dict[str, object]
) -> None:
    content = saved(Image.fromarray(NOISE), image_format, icc_profile=display_p3(), **settings)
    kept = decode_image(content, SIZE)
    expected = in_srgb(kept / 255, matrix=DISPLAY_P3)
    assert np.abs(kept.astype(int) - expected).max() > 60
    assert np.abs(decode_image(content, SIZE, IN_SRGB).astype(int) - expected).max() <= 1


def test_a_palette_transparency_and_greys_with_wide_colours_are_converted_too() -> None:
    layer = Image.fromarray(np.dstack([NOISE, NOISE[..., 0]]), "RGBA")
    alpha = NOISE[..., :1] / 255
    expected = alpha * in_srgb(NOISE / 255, matrix=DISPLAY_P3) + (1 - alpha) * 255
    pixels = decode_image(saved(layer, "PNG", icc_profile=display_p3()), SIZE, IN_SRGB)
    assert np.abs(pixels - expected).max() <= 2
    palette = Image.fromarray(NOISE).quantize(8)
    expected = in_srgb(np.asarray(palette.convert("RGB")) / 255, matrix=DISPLAY_P3)
    pixels = decode_image(saved(palette, "PNG", icc_profile=display_p3()), SIZE, IN_SRGB)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    for profile, gamma in ((grey(1.8), 1.8), (grey(2.2), 2.2), (display_p3(), 2.2)):
        pixels = decode_image(saved(Image.fromarray(NOISE[..., 0]), "PNG", icc_profile=profile), SIZE, IN_SRGB)
        expected = in_srgb(np.repeat(NOISE[..., :1] / 255, 3, axis=2), gamma)
        assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_inks_become_what_their_profile_makes_of_them() -> None:
    inks = np.zeros((SIZE, SIZE, 4), np.uint8)
    inks[:8, :8, 0], inks[:8, 8:, 2], inks[8:, :8, 3] = 255, 255, 255
    content = saved(Image.fromarray(inks, "CMYK"), "TIFF", icc_profile=ink())
    rgb = (1 - 0.8 * (inks[..., :3] / 255)) * (1 - inks[..., 3:] / 255)
    pixels = decode_image(content, SIZE, IN_SRGB)
    assert np.abs(pixels.astype(int) - in_srgb(rgb, gamma=1.0)).max() <= 2
    assert np.abs(decode_image(content, SIZE).astype(int) - pixels).max() > 60


@pytest.mark.parametrize("profile", [b"no profile", display_p3()[:200], grey(2.2), ink()])
def test_a_broken_profile_and_one_of_other_colours_are_faults_where_profiles_are_read(
    tmp_path: Path, profile: bytes
) -> None:
    (tmp_path / "a.png").write_bytes(saved(Image.fromarray(NOISE), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(ImageFolder(tmp_path).read("a.png", SIZE), NOISE)
    with pytest.raises(BadImageError, match=r"a\.png: unreadable image: its colour profile is (damaged|one of)"):
        ImageFolder(tmp_path, rules=IN_SRGB).read("a.png", SIZE)


def test_the_options_state_the_rules() -> None:
    assert ImageOptions().rules == PictureRules(upright=False, color_profile="keep")
    assert ImageOptions(upright=True, color_profile="srgb").rules == PictureRules(True, "srgb")


FRAME = (4, 6, 10, 14)
"""Left, top, right and bottom of a first frame within its canvas."""


def red_frame() -> NDArray[np.uint8]:
    left, top, right, bottom = FRAME
    canvas = np.full((SIZE, SIZE, 3), 255, np.uint8)
    canvas[top:bottom, left:right] = (255, 0, 0)
    return canvas


def cropped_gif(transparency: int | None, disposal: int, palette: str) -> bytes:
    """An animation whose first frame is red; `palette` says whose it is: of all frames, of the frame, or grey."""
    left, top, right, bottom = FRAME
    colours = b"\0\0\0" + b"\xff\0\0" + b"\0\xff\0" + b"\0\0\xff"
    is_global, is_own = palette == "global", palette == "own"
    content = b"GIF89a" + struct.pack("<HHBBB", SIZE, SIZE, 0x81 if is_global else 0, 0, 0) + colours * is_global
    for index in (1, 2):
        flags = disposal << 2 | (transparency is not None)
        content += b"!\xf9\4" + struct.pack("<BHBB", flags, 10, transparency or 0, 0)
        size = (right - left, bottom - top)
        content += b"," + struct.pack("<HHHHB", left, top, *size, 0x81 if is_own else 0) + colours * is_own
        # Three bits a code: clear, one pixel each with a clear in between, end.
        codes = [4, *(code for _ in range(size[0] * size[1]) for code in (index, 4)), 5]
        bits = sum(code << 3 * place for place, code in enumerate(codes))
        packed = bits.to_bytes(-(-3 * len(codes) // 8), "little")
        blocks = [packed[start : start + 255] for start in range(0, len(packed), 255)]
        content += b"\2" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    return content + b";"


@pytest.mark.parametrize("transparency", [None, 0, 3])
@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
@pytest.mark.parametrize("palette", ["global", "own"])
def test_what_the_first_frame_of_a_gif_leaves_out_is_white(
    transparency: int | None, disposal: int, palette: str
) -> None:
    content = cropped_gif(transparency, disposal, palette)
    np.testing.assert_array_equal(decode_image(content, SIZE), red_frame())
    opened = GivenImages({"a": Image.open(BytesIO(content))}).read("a", SIZE)
    np.testing.assert_array_equal(opened, red_frame())


def test_a_transparent_frame_of_a_gif_is_white_throughout() -> None:
    assert (decode_image(cropped_gif(1, 1, "global"), SIZE) == 255).all()


def cropped_webp() -> bytes:
    left, top, right, bottom = FRAME
    size = (right - left, bottom - top)
    picture = saved(Image.new("RGB", size, "red"), "WEBP", lossless=True)[12:]
    place = b"".join(value.to_bytes(3, "little") for value in (left // 2, top // 2, size[0] - 1, size[1] - 1, 100))
    canvas = (SIZE - 1).to_bytes(3, "little") * 2
    parts = {b"VP8X": b"\2\0\0\0" + canvas, b"ANIM": b"\xff\0\xff\xff\0\0", b"ANMF": place + b"\0" + picture}
    body = b"WEBP" + b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts.items())
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_what_the_first_frame_of_a_webp_leaves_out_is_white_whatever_colour_its_background_states() -> None:
    np.testing.assert_array_equal(decode_image(cropped_webp(), SIZE), red_frame())


def test_the_first_frame_of_an_animated_png_is_its_whole_picture() -> None:
    later = Image.new("RGB", (SIZE, SIZE), "blue")
    for default_image in (False, True):
        content = saved(
            Image.fromarray(NOISE), "PNG", save_all=True, append_images=[later, later], default_image=default_image
        )
        np.testing.assert_array_equal(decode_image(content, SIZE), NOISE)
