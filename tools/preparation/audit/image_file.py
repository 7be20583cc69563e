"""What one image file is: the work of one worker process."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from data.image_bytes import FORMATS
from data.image_decoding import DECODER_ERRORS
from data.image_store import ImageFolder, ImagePack, open_images
from data.item_image import MAX_PIXELS, BadImageError, MissingImageError, decode_image, naming
from data.options import ImageOptions

FOREIGN_FORMATS = {
    "AVIF": (4, b"ftypavif"), "HEIC": (4, b"ftyphe"), "HEIF": (4, b"ftypmif1"), "JPEG 2000": (4, b"jP  "),
    "JPEG XL": (0, b"\xff\n"), "PDF": (0, b"%PDF"), "PostScript": (0, b"%!PS"), "Photoshop": (0, b"8BPS"),
    "Windows icon": (0, b"\0\0\1\0"), "SVG": (0, b"<svg"), "XML (SVG?)": (0, b"<?xml"), "HTML": (0, b"<!"),
    "a web page": (0, b"<html"), "a ZIP archive": (0, b"PK\3\4"), "gzip": (0, b"\x1f\x8b"), "MP4 video": (4, b"ftyp"),
    "JSON": (0, b"{"),
}  # fmt: skip
"""Where and how files begin that are often taken for images."""


class ImageTask(NamedTuple):
    """An image to look at."""

    folder: str
    """Or the pack of images."""
    name: str
    size: int
    """Height and width in pixels that the model reads it at."""
    follow_links: bool = False


class ImageFacts(NamedTuple):
    """What is known of an image; the figures are 0 and the names empty as far as it cannot be read."""

    file: str
    """As found, which may be `<stem>.jpg`."""
    digest: bytes = b""
    """Hash of the bytes; empty where they cannot be read."""
    num_bytes: int = 0
    format: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    is_one_colour: bool = False
    """As the model sees it."""
    fault: str = ""
    """Kind of the finding; empty for an image that can be read."""
    reason: str = ""


def read_facts(task: ImageTask) -> ImageFacts:
    """Read an image as training would, and describe it; no fault of the file raises anything."""
    images = _images(task.folder, task.size, task.follow_links)
    facts = ImageFacts(str(Path(task.folder) / task.name))
    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            facts = facts._replace(file=str(images.file(task.name)))
            content = images.content(task.name)
        except MissingImageError:
            return facts._replace(fault="image-missing", reason="does not exist")
        except BadImageError as error:
            return facts._replace(fault="image-broken", reason=_unreadable(error))
        facts = facts._replace(digest=blake2b(content, digest_size=16).digest(), num_bytes=len(content))
        return _decoded(_header(facts, content), content, task.size)


@cache
def _images(path: str, size: int, follow_links: bool) -> ImageFolder | ImagePack:
    return open_images(Path(path), ImageOptions(size=size, follow_links=follow_links))


def _header(facts: ImageFacts, content: bytes) -> ImageFacts:
    Image.init()
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            facts = facts._replace(format=image.format or "", mode=image.mode, width=image.width, height=image.height)
    except Image.DecompressionBombError as error:
        return facts._replace(fault="image-too-large", reason=str(error))
    except (OSError, *DECODER_ERRORS):
        return facts  # reading it says why
    if facts.width * facts.height > MAX_PIXELS:
        reason = f"{facts.width} x {facts.height} pixels are more than {MAX_PIXELS:,}"
        return facts._replace(fault="image-too-large", reason=reason)
    return facts


def _decoded(facts: ImageFacts, content: bytes, size: int) -> ImageFacts:
    if facts.fault:
        return facts
    try:
        with naming(Path(facts.file)):
            picture = decode_image(content, size)
    except BadImageError as error:
        foreign = None if facts.format else _foreign_format(content[:64])
        if foreign:
            return facts._replace(fault="image-unsupported", reason=f"is {foreign}, not one of {', '.join(FORMATS)}")
        reason = _unreadable(error) if content else "is empty"
        return facts._replace(fault="image-broken", reason=reason)
    return facts._replace(is_one_colour=bool((picture == picture[0, 0]).all()))


def _foreign_format(start: bytes) -> str | None:
    return next((name for name, (at, sign) in FOREIGN_FORMATS.items() if start[at:].startswith(sign)), None)


def _unreadable(error: BadImageError) -> str:
    return f"unreadable image: {error.reason}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep libtiff from writing to the terminal, past Python and with the file's own signs."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
