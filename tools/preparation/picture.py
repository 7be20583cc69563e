"""Decode any picture file and stretch it to a square RGB picture."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from PIL import ExifTags, Image, ImageCms, ImageFile, UnidentifiedImageError

# Formats whose decoders are safe on foreign files; others (EPS starts Ghostscript) are refused.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")
# What Pillow's decoders raise on malformed files. Anything else ends the worker process, which is reported.
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    ImageCms.PyCMSError,
)
# A JPEG that was decoded at a reduced size, still this much larger than the square, is stretched with a
# filter of half the width: much faster, and the difference from the bicubic filter is small there.
_REACH_OF_BICUBIC = 1.6
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadablePictureError(ValueError):
    """No picture can be decoded from a file; the message says why."""


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """How a picture file becomes a square picture."""

    size: int = 384
    """Height and width in pixels; the whole picture is stretched to this square."""
    max_pixels: int = 100_000_000
    """Pictures of more pixels are refused from their header, before they take memory."""
    upright: bool = False
    """Turn the picture as its EXIF orientation says. The published preprocessing did not."""


class StretchedPicture(NamedTuple):
    """A square RGB picture and, where its file was damaged, what is missing."""

    image: Image.Image
    repair: str | None


def stretch_picture(content: bytes, settings: PictureSettings) -> StretchedPicture:
    """Decode a picture file of any supported format and mode and stretch it to the square.

    Transparent parts become white, of an animation the first frame counts, deep grey values are scaled
    to 8 bits. Of a damaged file the part that can be decoded counts and the rest is black.

    Raises:
        UnreadablePictureError: nothing can be decoded, or the picture exceeds the pixel limit.
    """
    with warnings.catch_warnings(), _pillow_limit(settings.max_pixels):
        warnings.simplefilter("ignore")  # Pillow's warnings on odd metadata and large pictures
        try:
            return StretchedPicture(_stretch(_open(content, settings), settings), None)
        except UnreadablePictureError:
            raise
        except _DECODE_ERRORS as error:
            return _repair(content, settings, f"{error or type(error).__name__}")


@contextmanager
def _pillow_limit(max_pixels: int) -> Iterator[None]:
    """Let Pillow's own limit, at twice which it refuses pictures, not strike before a higher one that was asked for."""
    usual = Image.MAX_IMAGE_PIXELS
    if usual is not None:
        Image.MAX_IMAGE_PIXELS = max(usual, max_pixels)
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def _open(content: bytes, settings: PictureSettings) -> ImageFile.ImageFile:
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError:
        raise UnreadablePictureError(describe_content(content)) from None
    except Image.DecompressionBombError:
        raise UnreadablePictureError(f"exceeds the limit of {settings.max_pixels} pixels") from None
    width, height = image.size
    if width * height > settings.max_pixels:
        raise UnreadablePictureError(f"{width}x{height} exceeds the limit of {settings.max_pixels} pixels")
    return image


def _repair(content: bytes, settings: PictureSettings, fault: str) -> StretchedPicture:
    """Decode as much as there is of a damaged file."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        image = _open(content, settings)
        image.load()
        # Rows that the decoder never reached are left zero.
        box = image.getbbox(alpha_only=False)
        if box is None:
            raise UnreadablePictureError(f"nothing can be decoded: {fault}")
        share = box[3] / image.height
        return StretchedPicture(_stretch(image, settings), f"{fault}; {share:.0%} of the rows decoded")
    except UnreadablePictureError:
        raise
    except _DECODE_ERRORS:
        raise UnreadablePictureError(f"cannot be decoded: {fault}") from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _stretch(image: ImageFile.ImageFile, settings: PictureSettings) -> Image.Image:
    square = (settings.size, settings.size)
    # A JPEG decodes at 1/2, 1/4 or 1/8 of its size in a fraction of the time. The box is the exact
    # extent of the picture: at an odd width the last column of the reduced one is only half covered.
    drafted = image.draft(None, square)
    box = drafted[1] if drafted else None
    orientation = _orientation(image) if settings.upright else 1
    resampling = Image.Resampling.BICUBIC
    if drafted and image.width * image.height > (_REACH_OF_BICUBIC * settings.size) ** 2:
        resampling = Image.Resampling.HAMMING
    direct = image.mode in ("RGB", "L") and not image.has_transparency_data
    source = image if direct else to_rgb(image)
    picture = source.resize(square, resampling, box=box, reducing_gap=3.0).convert("RGB")
    if orientation in _TRANSPOSITIONS:
        picture = picture.transpose(_TRANSPOSITIONS[orientation])
    picture.info.clear()  # comments and profiles of the source are not the output's
    return picture


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a picture of any mode to RGB, transparent parts over white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _deep_grey_to_rgb(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None  # only in-place conversion returns nothing
        return converted
    return image.convert("RGB")


def _deep_grey_to_rgb(image: Image.Image) -> Image.Image:
    """Scale grey values of more than 8 bits to 8: 16-bit values by 1/257, others by their own range."""
    values = image.convert("F")
    low, high = values.getextrema()
    assert isinstance(low, float)  # one band has a pair of numbers, not a pair for each band
    assert isinstance(high, float)
    if image.mode != "F" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scale = 255.0 / max(high - low, 1e-12)
    # Half a step is added because the conversion to 8 bits cuts the fraction off.
    return values.point(lambda value: value * scale + (0.5 - low * scale)).convert("L").convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _DECODE_ERRORS:
        return 1  # corrupt metadata is no fault of the picture
    return orientation if isinstance(orientation, int) else 1


def describe_content(content: bytes) -> str:
    """Say what a file holds that is no supported picture."""
    start = content[:1024].lstrip(b"\xef\xbb\xbf\r\n\t ").lower()
    if not content:
        return "the file is empty"
    if not content.strip(b"\0"):
        return "the file holds zeros only"
    if start.startswith((b"<!doctype html", b"<html")):
        return "the file is an HTML page, not a picture"
    if b"<svg" in start:
        return "SVG is not supported"
    if start.startswith(b"pk\x03\x04"):
        return "the file is a zip archive, not a picture"
    if content[:1024].isascii():
        return "the file is text, not a picture"
    return "no supported picture format"
