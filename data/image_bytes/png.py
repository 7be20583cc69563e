"""PNG files (W3C PNG, third edition)."""

import zlib

from data.image_bytes.damage import DamagedImageError, check_pixels, refuse_cut

MAX_CHUNKS = 200_000
_SIGNATURE_LENGTH, _LENGTH_TYPE_AND_CHECKSUM = 8, 12
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def png_picture(content: bytes, max_pixels: int) -> bytes:
    """Return the chunks of a PNG file that make its picture, all checksums verified (decoders pass over some)."""
    view = memoryview(content)
    kept = [view[:_SIGNATURE_LENGTH]]
    position = _SIGNATURE_LENGTH
    for number in range(MAX_CHUNKS):
        length = int.from_bytes(view[position : position + 4])
        end = position + _LENGTH_TYPE_AND_CHECKSUM + length
        if end > len(content):
            refuse_cut()
        kind = content[position + 4 : position + 8]
        if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise DamagedImageError(f"the checksum of its chunk {kind!r} is wrong")
        if (kind == b"IHDR") != (number == 0):
            raise DamagedImageError("its header is not at the start")
        if kind == b"IHDR":
            width, height = (int.from_bytes(view[at : at + 4]) for at in (position + 8, position + 12))
            check_pixels(width, height, max_pixels)
        if kind in _KEPT:
            kept.append(view[position:end])
        if kind == b"IEND":
            return b"".join(kept)
        position = end
    raise DamagedImageError(f"it has more than {MAX_CHUNKS} chunks")
