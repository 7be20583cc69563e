"""Checks of image files byte by byte, before and beside what the decoder checks.

Each format's function returns the bytes of the first picture without what decoding does not need (metadata,
comments, further pictures), so that nothing in those can harm, and raises DamagedImageError for what decoders
pass over in silence: a file that is cut off, a wrong checksum, sizes that no memory would hold.
"""

from collections.abc import Callable

from data.image_bytes.bmp import bmp_picture
from data.image_bytes.damage import DamagedImageError
from data.image_bytes.gif import gif_picture
from data.image_bytes.jpeg import jpeg_picture
from data.image_bytes.png import png_picture
from data.image_bytes.tiff import tiff_picture
from data.image_bytes.webp import webp_picture

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"RIFF", "WEBP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
_PICTURES: dict[str, Callable[[bytes, int], bytes]] = {
    "JPEG": jpeg_picture,
    "PNG": png_picture,
    "GIF": gif_picture,
    "BMP": bmp_picture,
    "WEBP": webp_picture,
    "TIFF": tiff_picture,
}
FORMATS = tuple(_PICTURES)
"""What is opened, whatever the file's suffix says; formats that run other programs are not among them."""


def first_picture(content: bytes, max_pixels: int) -> tuple[str, bytes]:
    """Return the format of an image file and the bytes of its first picture.

    Raises DamagedImageError for another kind of file, a damaged one, and more pixels than `max_pixels`.
    """
    for signature, image_format in _SIGNATURES:
        if content.startswith(signature):
            return image_format, _PICTURES[image_format](content, max_pixels)
    kinds = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    raise DamagedImageError(f"it is no {kinds} file" if content else "it is empty")
