"""From an image file of any usual format to a square picture in red, green and blue."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image

BAND_PIXELS = 2**22
"""Pixels that are converted at once, so that no second large picture is needed."""
REACH_OF_BICUBIC = 1.6
"""Sides of the square that a reduced JPEG has at most to be stretched bicubically where quickness counts."""

DECODER_ERRORS = (
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow's decoders answer damaged files with, besides OSError."""

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def stretched(image: Image.Image, size: int, *, quick: bool = False, upright: bool = False) -> Image.Image:
    """Decode an opened picture to RGB and stretch the whole of it to size x size.

    A picture of that size stays as decoded, others are resampled bicubically. A JPEG of at least twice the size is
    first decoded at 1/2, 1/4 or 1/8, which is much faster and differs by a few grey levels. Of a damaged file the
    missing part is black where ImageFile.LOAD_TRUNCATED_IMAGES is set.

    Args:
        image: of any mode; transparency is laid over white.
        size: height and width of the result.
        quick: reduce much larger pictures by whole factors first, and take a filter of half the width for a JPEG that
            is still much larger when decoded, which makes a small difference there.
        upright: turn the picture as its EXIF orientation says.

    Raises:
        OSError: the file is damaged; some damage raises one of DECODER_ERRORS.
    """
    square = (size, size)
    reduced = image.draft("RGB", square)
    # The extent of a picture of odd width ends within the last column of the reduced one.
    box = reduced[1] if reduced else None
    transposition = _transposition(image) if upright else None
    picture = to_rgb(image)
    if quick:
        is_far_larger = reduced is not None and picture.width * picture.height > (REACH_OF_BICUBIC * size) ** 2
        resampling = Image.Resampling.HAMMING if is_far_larger else Image.Resampling.BICUBIC
        picture = picture.resize(square, resampling, box, reducing_gap=3.0)
    elif picture.size != square:
        picture = picture.resize(square, Image.Resampling.BICUBIC, box)
    return picture if transposition is None else picture.transpose(transposition)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the (first) picture as red, green and blue, transparency laid over white."""
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _deep_grey(image).convert("RGB")
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    picture = Image.new("RGB", image.size)
    for box in _bands(image):
        picture.paste(_opaque(image.crop(box)), box)
    return picture


def _opaque(band: Image.Image) -> Image.Image:
    if not band.has_transparency_data:
        return band.convert("RGB")
    layer = band.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def _deep_grey(image: Image.Image) -> Image.Image:
    """Scale grey values of more than 8 bits to 8: 16-bit ones by 1/257, others from their least to their greatest."""
    extremes = [(values.min(), values.max()) for values in map(np.asarray, map(image.crop, _bands(image)))]
    low, high = np.asarray(extremes, np.float64).T
    if not np.isfinite([low, high]).all():
        raise ValueError("grey values that are no numbers")
    least, greatest = low.min(), high.max()
    if image.mode != "F" and least >= 0 and greatest <= 65535:
        least, greatest = 0, 65535
    grey = Image.new("L", image.size)
    for box in _bands(image):
        values = np.asarray(image.crop(box), np.float64)
        scaled = np.rint((values - least) * (255 / max(greatest - least, 1e-12))).astype(np.uint8)
        grey.paste(Image.fromarray(scaled), box)
    return grey


def _bands(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Yield boxes that cover the picture from top to bottom."""
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def _transposition(image: Image.Image) -> Image.Transpose | None:
    """Return what brings a picture into the position that its EXIF orientation says."""
    try:
        return _TRANSPOSITIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (OSError, *DECODER_ERRORS):
        return None  # corrupt metadata is no fault of the picture
