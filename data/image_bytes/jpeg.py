"""JPEG files (ITU-T T.81, annex B)."""

import re

from data.image_bytes.damage import DamagedImageError, check_pixels, refuse_cut

MAX_MARKS = 2_000_000
"""Segments and restart marks; even a restart after every block needs fewer."""
MAX_SCANS = 100
"""Progressive files have about ten; each costs a pass over the whole picture."""
MAX_SCANNED_PIXELS = 2_000_000_000
"""Scans times pixels, some seconds' work."""

_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_RESTARTS = range(0xD0, 0xD8)
_COMMENT, _JFIF, _ADOBE = 0xFE, 0xE0, 0xEE
_METADATA = {*range(0xE0, 0xF0), _COMMENT} - {_JFIF, _ADOBE}
# A byte of fill before a mark stays with what is before.
_MARKER = re.compile(rb"\xff([^\x00\xff])")
# Sixteen bits of one are no code word: as data they add nothing, and they are all the decoder reads ahead.
_FILLER = b"\xff\x00" * 9


def jpeg_picture(content: bytes, max_pixels: int) -> bytes:
    """Return the first picture of a JPEG file without metadata such as EXIF, colour profile and thumbnail.

    At the end mark the decoder would fill up missing rows with grey and be content. A picture of one scan is
    therefore returned with a little filler in place of the mark, so that data that end early are an error there.
    """
    kept = [content[:2]]
    position, num_scans, num_frames, width, height = 2, 0, 0, 0, 0
    for _ in range(MAX_MARKS):
        found = _MARKER.search(content, position)
        if found is None:
            refuse_cut()
        marker, start, position = found[1][0], found.start(), found.end()
        if marker == _END_OF_IMAGE:
            break
        if marker == _START_OF_IMAGE:
            raise DamagedImageError("a second picture begins inside the first")
        if marker in _RESTARTS or marker == 0x01:
            continue
        end = position + int.from_bytes(content[position : position + 2])
        if end > len(content) or end < position + 2:
            refuse_cut()
        if marker in _FRAMES:
            num_frames += 1
            height, width = (int.from_bytes(content[position + at : position + at + 2]) for at in (3, 5))
            check_pixels(width, height, max_pixels)
        position = end
        if marker == _START_OF_SCAN:
            num_scans += 1
            position = _end_of_scan(content, end)
        if marker not in _METADATA:
            kept.append(content[start:position])
    else:
        raise DamagedImageError(f"it has more than {MAX_MARKS} segments")
    if num_frames != 1 or not 1 <= num_scans <= MAX_SCANS:
        raise DamagedImageError(f"it has {num_frames} frames and {num_scans} scans")
    if num_scans * width * height > MAX_SCANNED_PIXELS:
        raise DamagedImageError(f"{num_scans} scans of {width} x {height} pixels are too many")
    return b"".join([*kept, _FILLER if num_scans == 1 else b"\xff\xd9"])


def _end_of_scan(content: bytes, position: int) -> int:
    """Return where the marker after a scan's data begins; raises where restart marks are not in order."""
    for number in range(MAX_MARKS):
        found = _MARKER.search(content, position)
        if found is None:
            refuse_cut()
        marker, position = found[1][0], found.end()
        if marker not in _RESTARTS:
            return found.start()
        if marker != _RESTARTS[number % len(_RESTARTS)]:
            raise DamagedImageError("a part of its data is missing")
    raise DamagedImageError(f"it has more than {MAX_MARKS} restart marks")
