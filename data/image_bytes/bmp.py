"""BMP files."""

from data.image_bytes.damage import check_pixels, refuse_cut

_OLD_HEADER = 12
_RUN_LENGTHS = (1, 2)
_END_OF_PICTURE = b"\0\1"


def bmp_picture(content: bytes, max_pixels: int) -> bytes:
    """Return a BMP file as it is, whose run-length coded data have their end mark and that is not too large."""
    if len(content) < 34:
        refuse_cut()
    if int.from_bytes(content[14:18], "little") == _OLD_HEADER:
        width, height = (int.from_bytes(content[at : at + 2], "little") for at in (18, 20))
    else:
        width, height = (abs(int.from_bytes(content[at : at + 4], "little", signed=True)) for at in (18, 22))
        is_packed = int.from_bytes(content[30:34], "little") in _RUN_LENGTHS
        if is_packed and not content.rstrip(b"\0").endswith(_END_OF_PICTURE[1:]):
            refuse_cut()
        if is_packed:
            # Decoded a byte at a time in Python.
            check_pixels(width, height, max_pixels // 10)
    check_pixels(width, height, max_pixels)
    return content
