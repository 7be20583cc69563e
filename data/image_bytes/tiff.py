"""TIFF files (TIFF 6.0)."""

from typing import Literal, NamedTuple

import numpy as np

from data.image_bytes.damage import DamagedImageError, check_pixels, refuse_cut

MAX_VALUES = 1_000_000
"""Values of one entry, such as the offsets of all strips; the decoder makes a number object of each."""

_BYTES_OF_TYPE = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
_SHORT, _LONG = 3, 4
_ENTRY = 12
_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 322, 323
_DATA = ((273, 279), (324, 325))
"""Offsets and byte counts, of strips and of tiles."""
# Size, bits, compression, colours, strips, tiles, palette, extra samples, sample format, JPEG tables, subsampling.
_KEPT = {
    *(256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325),
    *(332, 338, 339, 347, 512, 513, 514, 530, 532),
}


class _Entry(NamedTuple):
    position: int
    tag: int
    kind: int
    num_values: int
    data: int
    """Where its values begin."""


def tiff_picture(content: bytes, max_pixels: int) -> bytes:
    """Return a TIFF file whose one directory is its first and has only what decoding needs."""
    order: Literal["little", "big"] = "little" if content[:2] == b"II" else "big"
    start = _number(content, 4, 4, order)
    num_entries = _number(content, start, 2, order)
    entries = [_entry(content, start + 2 + _ENTRY * place, order) for place in range(num_entries)]
    kept_tags = [entry.tag for entry in entries if entry.tag in _KEPT]
    if len(kept_tags) != len(set(kept_tags)):
        raise DamagedImageError("it has an entry twice")
    values = {
        entry.tag: _values(content, entry, order) for entry in entries if entry.tag in _KEPT and entry.kind in (3, 4)
    }
    _check_sizes(values, len(content), max_pixels)
    picture = bytearray(content)
    # Directories within directories, further pictures and megabytes of remarks are what is left out.
    kept = b"".join(content[entry.position : entry.position + _ENTRY] for entry in entries if entry.tag in _KEPT)
    directory = (len(kept) // _ENTRY).to_bytes(2, order) + kept + bytes(4)
    picture[start : start + len(directory)] = directory
    return bytes(picture)


def _entry(content: bytes, position: int, order: Literal["little", "big"]) -> _Entry:
    tag, kind = _number(content, position, 2, order), _number(content, position + 2, 2, order)
    num_values = _number(content, position + 4, 4, order)
    if tag in _KEPT and not 1 <= kind < len(_BYTES_OF_TYPE):
        raise DamagedImageError(f"its entry {tag} has no known type")
    if tag in _KEPT and num_values > MAX_VALUES:
        raise DamagedImageError(f"its entry {tag} has {num_values} values")
    size = num_values * _BYTES_OF_TYPE[kind] if tag in _KEPT else 0
    data = position + 8 if size <= 4 else _number(content, position + 8, 4, order)
    if data + size > len(content):
        refuse_cut()
    return _Entry(position, tag, kind, num_values, data)


def _values(
    content: bytes, entry: _Entry, order: Literal["little", "big"]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    kind = ("<" if order == "little" else ">") + ("u2" if entry.kind == _SHORT else "u4")
    return np.frombuffer(content, kind, entry.num_values, entry.data).astype(np.int64)


def _check_sizes(values: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]], length: int, max_pixels: int) -> None:
    first = {tag: int(numbers[0]) for tag, numbers in values.items() if len(numbers)}
    if _WIDTH not in first or _HEIGHT not in first:
        raise DamagedImageError("it states no size")
    check_pixels(first[_WIDTH], first[_HEIGHT], max_pixels)
    check_pixels(first.get(_TILE_WIDTH, 0), first.get(_TILE_HEIGHT, 0), max_pixels)
    for offsets, counts in _DATA:
        starts, sizes = values.get(offsets), values.get(counts)
        if starts is None:
            continue
        ends = starts + sizes if sizes is not None and len(sizes) == len(starts) else starts
        if len(ends) and ends.max() > length:
            refuse_cut()


def _number(content: bytes, position: int, length: int, order: Literal["little", "big"]) -> int:
    if position + length > len(content):
        refuse_cut()
    return int.from_bytes(content[position : position + length], order)
