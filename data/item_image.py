"""From an image file of any usual kind to a square of pixels."""

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from data.image_bytes import DamagedImageError, first_picture
from data.image_decoding import DECODER_ERRORS, stretched
from data.options import AS_STORED, PictureRules
from options.errors import UserError
from options.printable import shortened

LARGEST_FILE = 2**27
"""Bytes of an image file above which it is refused; it is read as a whole."""

MAX_PIXELS = 89_000_000
"""Width times height above which a file is refused before it is decoded; from here on Pillow warns of bombs."""


class BadImageError(UserError):
    """An image that cannot be read."""

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = message if reason is None else reason
        """The message without its place."""


class MissingImageError(BadImageError):
    """An image that is not there."""


def find_image(folder: Path, name: str, follow_links: bool = False) -> Path:
    """Return the file of an item's image: the name as it stands or, after preprocessing, `<stem>.jpg`.

    Raises BadImageError for a symbolic link out of the folder (which may be a link itself), unless links are followed.
    """
    file = folder / name
    resized = folder / resized_name(name)
    try:
        if resized.exists() and not file.exists():
            file = resized
        leaves = file.is_symlink() and not follow_links and not _is_inside(file, folder)
    except OSError:  # a name that .jpg makes too long, or a folder that is closed to us: reading says so
        return file
    if leaves:
        reason = "it is a link out of the images folder; set data.image.follow_links=true if the links are your own"
        raise unreadable(file, reason)
    return file


def resized_name(name: str) -> str:
    """Return the name that preprocessing gives an image."""
    return f"{PurePath(name).stem}.jpg"


def read_image(file: Path, size: int, rules: PictureRules = AS_STORED) -> NDArray[np.uint8]:
    """Return the picture stretched to (size, size, 3), red green blue.

    A picture of that size is returned as decoded. Others are resampled bicubically; a JPEG of at least twice
    the size is first decoded at 1/2, 1/4 or 1/8, which is much faster and differs by a few grey levels. As in the
    published preprocessing the picture comes as it is stored, unless the rules say otherwise.

    Raises BadImageError for a file that is missing, no plain file, cut off, too large or no image.
    """
    with naming(file):
        return decode_image(file_content(file), size, rules)


def file_content(file: Path) -> bytes:
    """Return the bytes of an image file; raises OSError, and DamagedImageError for no plain file or a too large one."""
    # Asked before it is opened: a named pipe would wait for a writer for ever.
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DamagedImageError("it is no plain file")
    if status.st_size > LARGEST_FILE:
        raise DamagedImageError(f"{status.st_size} bytes are too many")
    with file.open("rb") as stream:
        return stream.read(LARGEST_FILE)


def decode_image(content: bytes, size: int, rules: PictureRules = AS_STORED) -> NDArray[np.uint8]:
    """Do as read_image with the bytes of an image file; raises OSError or one of DECODER_ERRORS."""
    image_format, picture = first_picture(content, with_rules=rules != AS_STORED)
    Image.init()  # registers all formats, once; otherwise only the commonest are known by name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata and of many pixels
        try:
            image = Image.open(BytesIO(picture), formats=[image_format])
        except UnidentifiedImageError:
            raise DamagedImageError(f"the {image_format} header is damaged") from None
        with image:
            num_pixels = image.width * image.height
            if num_pixels > MAX_PIXELS // _cost_of_pixels(image):
                raise DamagedImageError(f"{image.width} x {image.height} = {num_pixels} pixels are too many")
            return np.asarray(stretched(image, size, rules))


def _cost_of_pixels(image: ImageFile.ImageFile) -> int:
    """Return what decoding takes for each pixel, in units of the memory or time that most formats take."""
    if image.format in ("WEBP", "AVIF"):  # their decoders hold four pictures, where others hold two at most
        return 2
    # A packed BMP is decoded a byte at a time in Python.
    return 10 if any(tile.codec_name == "bmp_rle" for tile in image.tile) else 1


@contextmanager
def naming(image: Path) -> Iterator[None]:
    """Turn what the system and the decoders answer into a BadImageError that names the image."""
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        reason = error.strerror or str(error)
        raise MissingImageError(str(unreadable(image, reason)), reason) from error
    except OSError as error:
        raise unreadable(image, error.strerror or str(error)) from error
    except DECODER_ERRORS as error:
        raise unreadable(image, str(error) or type(error).__name__) from error


def unreadable(image: Path, reason: str) -> BadImageError:
    """Return the error of an image that cannot be read for this reason."""
    return BadImageError(f"{shortened(str(image), longest=4096)}: unreadable image: {reason}", reason)


def _is_inside(file: Path, folder: Path) -> bool:
    # os.path.realpath ends on links in a circle, too.
    return Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder))
