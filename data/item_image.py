"""From an image file of any usual kind to a square of pixels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from options.errors import UserError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "MPO")
"""What is opened, whatever the file's suffix says; formats that run other programs are not among them."""

MAX_PIXELS = 100_000_000
"""Width times height above which a file is refused before it is decoded."""


class BadImageError(UserError):
    """An image file that cannot be read."""


def find_image(folder: Path, name: str) -> Path:
    """Return the file of an item's image: the name as it stands or, after preprocessing, `<stem>.jpg`."""
    file = folder / name
    return file if file.exists() else file.with_suffix(".jpg")


def read_image(file: Path, size: int) -> NDArray[np.uint8]:
    """Return the picture stretched to (size, size, 3), red green blue.

    Raises BadImageError for a file that is missing, cut off, too large or no image.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadImageError(f"{file}: {image.width} x {image.height} pixels are too many")
            image.draft("RGB", (size, size))
            picture = to_rgb(image)
    except OSError as error:
        reason = error.strerror or str(error).replace(f" {str(file)!r}", "")
        raise BadImageError(f"{file}: unreadable image: {reason}") from error
    except (
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        MemoryError,
        Image.DecompressionBombError,
    ) as error:
        # Pillow's decoders answer damaged files with all of these.
        raise BadImageError(f"{file}: unreadable image: {error}") from error
    if picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the (first) picture as red, green and blue, transparency laid over white."""
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")
