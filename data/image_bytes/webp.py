"""WebP files (RFC 9649)."""

from data.image_bytes.damage import DamagedImageError, check_pixels, refuse_cut


def webp_picture(content: bytes, max_pixels: int) -> bytes:
    """Return a WebP file as it is, all of whose chunks are there and whose canvas is not too large."""
    size = 8 + int.from_bytes(content[4:8], "little")
    if content[8:12] != b"WEBP":
        raise DamagedImageError("it is a RIFF file, but no WebP file")
    if size > len(content) or len(content) < 30:
        refuse_cut()
    position = 12
    while position < size:
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        position += 8 + length + length % 2
        if position > size:
            refuse_cut()
    # The decoder holds four pictures, where those of other formats hold two at most.
    check_pixels(*_canvas(content), max_pixels // 2)
    return content


def _canvas(content: bytes) -> tuple[int, int]:
    """Return the width and height that the first chunk states, of which the decoder takes memory at once."""
    match content[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(content[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (26, 28))
            return width, height
        case _:
            raise DamagedImageError("its first chunk is no picture")
