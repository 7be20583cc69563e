"""GIF files (GIF89a)."""

from data.image_bytes.damage import DamagedImageError, check_pixels, refuse_cut

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_GRAPHIC_CONTROL = 0xF9


def gif_picture(content: bytes, max_pixels: int) -> bytes:
    """Return a GIF file with its first picture alone; all blocks up to the end mark have to be there."""
    width, height = _number(content, 6), _number(content, 8)
    check_pixels(width, height, max_pixels)
    position = 13 + _palette_length(content, 10)
    kept = [content[:position]]
    has_picture = False
    while (block := _byte(content, position)) != _TRAILER:
        if block == _EXTENSION:
            end = _end_of_data(content, position + 2)
            if content[position + 1] == _GRAPHIC_CONTROL and not has_picture:
                kept.append(content[position:end])
        elif block == _IMAGE:
            left, top, width, height = (_number(content, position + at) for at in (1, 3, 5, 7))
            check_pixels(left + width, top + height, max_pixels)
            end = _end_of_data(content, position + 11 + _palette_length(content, position + 9))
            if not has_picture:
                kept.append(content[position:end])
            has_picture = True
        elif block == 0:  # some programs write one zero too many
            end = position + 1
        else:
            raise DamagedImageError("it has a block of no known kind")
        position = end
    return b"".join([*kept, bytes([_TRAILER])])


def _end_of_data(content: bytes, position: int) -> int:
    """Return where the sub-blocks that begin at a position end."""
    while length := _byte(content, position):
        position += 1 + length
    return position + 1


def _palette_length(content: bytes, position: int) -> int:
    flags = _byte(content, position)
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _number(content: bytes, position: int) -> int:
    return _byte(content, position) | _byte(content, position + 1) << 8


def _byte(content: bytes, position: int) -> int:
    if position >= len(content):
        refuse_cut()
    return content[position]
