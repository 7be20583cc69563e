"""Checks of image files byte by byte, for what Pillow passes over in silence or is harmed by.

Pillow fills up what a JPEG lacks before its end mark, never looks at the checksums of a PNG's pixels, and unpacks
metadata of any size. Where a file is cut off otherwise, the decoder itself complains.
"""

import re
import zlib
from codecs import BOM_UTF8
from typing import NoReturn

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), "PNG": (".png", ".apng"), "GIF": (".gif",),
    "BMP": (".bmp", ".dib"), "WEBP": (".webp",), "TIFF": (".tif", ".tiff"), "AVIF": (".avif",),
}  # fmt: skip
FORMATS = tuple(SUFFIXES)
"""What is opened, whatever the file's suffix says; formats that run other programs are not among them."""
_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF87a": "GIF", b"GIF89a": "GIF", b"BM": "BMP",
    b"RIFF": "WEBP", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
}  # fmt: skip
_BRANDS = {
    "AVIF": (b"avif", b"avis"), "HEIC": (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"),
}  # fmt: skip
"""Of files that begin with a box `ftyp`, which lists what the file may be read as."""
_FOREIGN = {
    b"\xff\n": "JPEG XL", b"\0\0\0\x0cjxl ": "JPEG XL", b"\0\0\0\x0cjp  ": "JPEG 2000", b"%pdf": "PDF",
    b"%!ps": "PostScript", b"8bps": "a Photoshop file", b"\0\0\1\0": "a Windows icon", b"<svg": "SVG",
    b"<?xml": "XML (SVG?)", b"<!doctype html": "an HTML page", b"<html": "an HTML page", b"pk\3\4": "a ZIP archive",
    b"\x1f\x8b": "gzip", b"{": "JSON",
}  # fmt: skip
"""How files begin that are often taken for images, letters in lower case, after a byte order mark and white space."""

MAX_PARTS = 2_000_000
"""Marks of a JPEG or chunks of a PNG; even a restart mark after every block needs fewer."""
MAX_SCANNED_PIXELS = 2_000_000_000
"""Scans of a JPEG times pixels, some seconds' work; progressive files have about ten scans."""

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_RESTARTS = range(0xD0, 0xD8)
_REMARKS = {*range(0xE1, 0xEE), 0xEF, 0xFE}
"""EXIF, colour profile, thumbnail and comments; what JFIF and Adobe write says how colours are coded."""
# A byte of fill before a mark stays with what is before.
_MARK = re.compile(rb"\xff([^\x00\xff])")
# Sixteen bits of one are no code word: as data they add nothing, and they are all the decoder reads ahead.
_FILLER = b"\xff\x00" * 9

_JPEG_RULES = b"Exif\0\0", b"ICC_PROFILE\0"
"""Beginnings of the remarks that PictureRules ask for: orientation and colour profile."""
_PNG_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_PNG_RULES = b"eXIf", b"iCCP"
_WEBP_ANIMATION, _WEBP_ALPHA = 0x02, 0x10
"""Flags of its header VP8X, at byte 20."""
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


class DamagedImageError(ValueError):
    """Bytes that are no whole picture of a bearable size."""


class ForeignImageError(DamagedImageError):
    """Bytes of another kind of file."""


def image_format(content: bytes) -> str:
    """Return the one of FORMATS that an image file has.

    Raises ForeignImageError, which says what it is instead, and DamagedImageError where that is not known.
    """
    for signature, name in _SIGNATURES.items():
        if content.startswith(signature):
            return name
    start = content[:1024].lower().removeprefix(BOM_UTF8).lstrip()
    foreign = next((name for signature, name in _FOREIGN.items() if start.startswith(signature)), "")
    if content[4:8] == b"ftyp":
        brands = content[8 : min(int.from_bytes(content[:4]), 1024)]
        names = (name for name, marks in _BRANDS.items() if any(mark in brands for mark in marks))
        foreign = next(names, "a video")
        if foreign == "AVIF":
            return foreign
    formats = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    if foreign:
        raise ForeignImageError(f"it is {foreign}, which is not read; convert it to {formats}")
    if not content.strip(b"\0"):
        raise DamagedImageError("it holds zeros only" if content else "it is empty")
    raise DamagedImageError(f"it is no {formats} file")


def first_picture(content: bytes, *, with_rules: bool = False) -> tuple[str, bytes]:
    """Return the format of an image file and its bytes, of a JPEG or PNG those of the first picture alone.

    With `with_rules` the metadata that PictureRules ask for stay. Raises DamagedImageError for another kind of file
    and a damaged one.
    """
    name = image_format(content)
    if name == "JPEG":
        return name, _jpeg_picture(content, _JPEG_RULES if with_rules else ())
    if name == "PNG":
        return name, _png_picture(content, _PNG_PICTURE + _PNG_RULES if with_rules else _PNG_PICTURE)
    return name, on_transparent_ground(content)


def on_transparent_ground(content: bytes) -> bytes:
    """Return an image file, an animated WebP marked as transparent, which what its first frame leaves out is."""
    is_animated = content[8:16] == b"WEBPVP8X" and len(content) > 20 and content[20] & _WEBP_ANIMATION
    return content[:20] + bytes([content[20] | _WEBP_ALPHA]) + content[21:] if is_animated else content


def _jpeg_picture(content: bytes, rules: tuple[bytes, ...]) -> bytes:
    """Return the first picture of a JPEG file (ITU-T T.81, annex B) without remarks, but for those of the rules.

    At the end mark the decoder would fill up missing rows with grey and be content. A picture of one scan is
    therefore returned with a little filler in place of the mark, so that data that end early are an error there.
    """
    kept: list[bytes] = []
    begin, position, is_kept, num_scans, num_restarts, num_pixels = 0, 2, True, 0, 0, 0
    for _ in range(MAX_PARTS):
        found = _MARK.search(content, position)
        if found is None:
            _refuse_cut()
        mark, position = found[1][0], found.end()
        if mark in _RESTARTS:
            if mark != _RESTARTS[num_restarts % len(_RESTARTS)]:
                raise DamagedImageError("a part of its data is missing")
            num_restarts += 1
            continue
        if is_kept:
            kept.append(content[begin : found.start()])
        if mark == _END_OF_IMAGE:
            return b"".join([*kept, _FILLER if num_scans == 1 else b"\xff\xd9"])
        if mark in _FRAMES:
            height, width = (int.from_bytes(content[position + at : position + at + 2]) for at in (3, 5))
            num_pixels = width * height
        if mark == _START_OF_SCAN:
            num_scans, num_restarts = num_scans + 1, 0
            if num_scans * num_pixels > MAX_SCANNED_PIXELS:
                raise DamagedImageError(f"{num_scans} scans of {num_pixels} pixels are too many")
        begin, is_kept = found.start(), mark not in _REMARKS or content.startswith(rules, position + 2)
        position += int.from_bytes(content[position : position + 2])
    raise DamagedImageError(f"it has more than {MAX_PARTS} marks")


def _png_picture(content: bytes, names: tuple[bytes, ...]) -> bytes:
    """Return the chunks of these names of a PNG file (W3C PNG, third edition), whose checksums are right.

    What is damaged behind the pixels, such as further pictures of an animation, does no harm.
    """
    kept = bytearray(content[:8])
    position, has_pixels = 8, False
    for _ in range(MAX_PARTS):
        name = content[position + 4 : position + 8]
        end = position + 12 + int.from_bytes(content[position : position + 4])
        is_there = end <= len(content)
        is_right = is_there and zlib.crc32(content[position + 4 : end - 4]) == int.from_bytes(content[end - 4 : end])
        if name == b"IEND" or (has_pixels and not is_right and name != b"IDAT"):
            return bytes(kept + _PNG_END)
        if not is_there:
            _refuse_cut()
        if not is_right:
            raise DamagedImageError(f"the checksum of its chunk {name!r} is wrong")
        if name in names:
            kept += content[position:end]
        position, has_pixels = end, has_pixels or name == b"IDAT"
    raise DamagedImageError(f"it has more than {MAX_PARTS} chunks")


def _refuse_cut() -> NoReturn:
    raise DamagedImageError("it is cut off")
