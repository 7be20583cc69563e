"""From an image file of any usual kind to a square of pixels."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from options.errors import UserError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
"""What is opened, whatever the file's suffix says; formats that run other programs are not among them."""

MAX_PIXELS = 100_000_000
"""Width times height above which a file is refused before it is decoded."""

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


class BadImageError(UserError):
    """An image file that cannot be read."""


def find_image(folder: Path, name: str) -> Path:
    """Return the file of an item's image: the name as it stands or, after preprocessing, `<stem>.jpg`."""
    file = folder / name
    resized = file.with_suffix(".jpg")
    try:
        return resized if resized.exists() and not file.exists() else file
    except OSError:  # a name that .jpg makes too long, or a folder that is closed to us: reading says so
        return file


def read_image(file: Path, size: int) -> NDArray[np.uint8]:
    """Return the picture stretched to (size, size, 3), red green blue.

    A picture of that size is returned as decoded. Others are resampled bicubically; a JPEG of at least twice
    the size is first decoded at 1/2, 1/4 or 1/8, which is much faster and differs by a few grey levels. As the
    published preprocessing did, an EXIF orientation is passed over: the picture comes as it is stored.

    Raises BadImageError for a file that is missing, cut off, too large or no image.
    """
    Image.init()  # registers all formats, once; otherwise only the commonest are known by name
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadImageError(f"{file}: {image.width} x {image.height} pixels are too many")
            reduced = image.draft("RGB", (size, size))
            picture = to_rgb(image)
    except BadImageError:
        raise
    except OSError as error:
        reason = error.strerror or str(error).replace(f" {str(file)!r}", "")
        raise BadImageError(f"{file}: unreadable image: {reason}") from error
    except DECODER_ERRORS as error:
        raise BadImageError(f"{file}: unreadable image: {error or type(error).__name__}") from error
    if picture.size != (size, size):
        # The extent of a picture of odd width ends within the last column of the reduced one.
        picture = picture.resize((size, size), Image.Resampling.BICUBIC, box=reduced[1] if reduced else None)
    return np.asarray(picture)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the (first) picture as red, green and blue, transparency laid over white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _deep_grey(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


def _deep_grey(image: Image.Image) -> Image.Image:
    """Scale grey values of more than 8 bits to 8: 16-bit ones by 1/257, others from their least to their greatest."""
    values = np.asarray(image, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("grey values that are no numbers")
    low, high = values.min(), values.max()
    if image.mode != "F" and low >= 0 and high <= 65535:
        low, high = 0, 65535
    return Image.fromarray(np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8))
