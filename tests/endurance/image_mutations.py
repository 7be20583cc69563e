"""Damaged image files of every kind, each a pure function of a seed."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 56, 40
"""Pixels of the good images."""
EXTREMES = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\x01")


class MutatedImage(NamedTuple):
    """A good image file and what became of it."""

    name: str
    """File name; its suffix may lie."""
    content: bytes
    description: str
    """What was done to the good file."""
    kind: str
    """Kind of the good file, such as "jpeg progressive"."""
    original: bytes
    """The good file; empty where the kind is one that is not read."""
    is_cut: bool
    """Whether the file was cut off and nothing else."""


@cache
def good_images() -> dict[str, bytes]:
    """Return a small good file of every kind that is read."""
    colour = _photograph(0)
    second = _photograph(1)
    grey, palette = colour.convert("L"), colour.quantize(32)
    deep = Image.fromarray((np.asarray(grey, np.uint16) * 257).astype(np.uint16))
    transparent = colour.convert("RGBA")
    transparent.putalpha(grey)
    exif = Image.Exif()
    exif[0x010E] = "remark " * 20
    frames = {"save_all": True, "append_images": [second.copy(), colour.copy()]}
    return {
        "jpeg baseline": _saved(colour, "JPEG", exif=exif, comment=b"remark"),
        "jpeg restarts": _saved(colour, "JPEG", restart_marker_blocks=2, subsampling=0),
        "jpeg progressive": _saved(colour, "JPEG", progressive=True),
        "jpeg cmyk": _saved(colour.convert("CMYK"), "JPEG"),
        "jpeg grey": _saved(grey, "JPEG"),
        "jpeg several": _saved(colour, "MPO", save_all=True, append_images=[second.copy()]),
        "png": _saved(colour, "PNG"),
        "png deep": _saved(deep, "PNG"),
        "png palette": _saved(palette, "PNG", transparency=3),
        "png alpha": _saved(transparent, "PNG"),
        "png interlaced": _interlaced_png(np.asarray(grey)),
        "png animated": _saved(colour, "PNG", **frames),
        "gif": _saved(palette, "GIF", comment=b"remark"),
        "gif animated": _saved(colour, "GIF", **frames),
        "avif": _saved(colour, "AVIF"),
        "bmp": _saved(colour, "BMP"),
        "bmp palette": _saved(palette, "BMP"),
        "bmp packed": _packed_bmp(np.asarray(grey)),
        "webp lossy": _saved(colour, "WEBP"),
        "webp lossless": _saved(transparent, "WEBP", lossless=True),
        "webp animated": _saved(colour, "WEBP", **frames),
        "tiff": _saved(colour, "TIFF"),
        "tiff deep": _saved(deep, "TIFF"),
        "tiff lzw": _saved(colour, "TIFF", compression="tiff_lzw"),
        "tiff deflate": _saved(colour, "TIFF", compression="tiff_adobe_deflate"),
        "tiff jpeg": _saved(colour, "TIFF", compression="jpeg"),
        "tiff several": _saved(colour, "TIFF", **frames),
    }


@cache
def other_images() -> dict[str, bytes]:
    """Return a small file of kinds that are not read."""
    colour = _photograph(0)
    kinds = {kind: _saved(colour, kind.upper()) for kind in ("ppm", "tga", "ico", "pcx", "sgi", "jpeg2000", "eps")}
    return {**kinds, "html": b"<html><body>404 Not Found</body></html>", "svg": b"<svg xmlns='x'/>"}


def mutated_image(seed: int) -> MutatedImage:
    """Return the damaged image of a seed, 0 or more; each of 35 seeds in a row damages another kind."""
    kinds = {**good_images(), **other_images()}
    kind = list(kinds)[seed % len(kinds)]
    rng = np.random.default_rng(seed)
    mutation = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
    content, description = mutation(kinds[kind], rng)
    suffix = ("jpg", "png", "gif", "bmp", "webp", "tiff", "SS2")[int(rng.integers(7))]
    return MutatedImage(
        name=f"{seed}.{suffix}",
        content=content,
        description=f"{kind}, seed {seed}: {description}",
        kind=kind,
        original=good_images().get(kind, b""),
        is_cut=mutation is _cut_off,
    )


Mutation = Callable[[bytes, np.random.Generator], tuple[bytes, str]]


def _flip_bits(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    damaged = bytearray(content)
    places = _places(content, rng, int(rng.integers(1, 9)))
    for place in places:
        damaged[place] ^= 1 << int(rng.integers(8))
    return bytes(damaged), f"bits flipped at {places}"


def _delete_bytes(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    start, length = _place(content, rng), int(rng.integers(1, 33))
    return content[:start] + content[start + length :], f"{length} bytes deleted at {start}"


def _insert_bytes(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    start, length = _place(content, rng), int(rng.integers(1, 33))
    return content[:start] + rng.bytes(length) + content[start:], f"{length} bytes inserted at {start}"


def _cut_off(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    # Half of them within the last bytes, where a cut is hardest to see.
    end = _place(content, rng) if rng.random() < 0.5 else max(0, len(content) - int(rng.integers(1, 24)))
    return content[:end], f"cut off after {end} of {len(content)} bytes"


def _cut_off_and_closed(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    end, length = _place(content, rng), int(rng.integers(2, 17))
    return content[:end] + content[-length:], f"cut off after {end} of {len(content)} bytes, last {length} kept"


def _extreme_header(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    length = int(rng.choice([1, 2, 4]))
    start = int(rng.integers(0, max(1, min(len(content), 160) - length)))
    value = EXTREMES[int(rng.integers(len(EXTREMES)))] * length
    return content[:start] + value + content[start + length :], f"{value.hex()} written at {start}"


def _concatenated(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    others = list(good_images().values())
    other = others[int(rng.integers(len(others)))]
    cut = _place(content, rng) if rng.random() < 0.5 else len(content)
    return content[:cut] + other, f"{cut} of {len(content)} bytes, then another file"


def _swapped(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    first, middle, last = sorted(_places(content, rng, 3))
    swapped = content[:first] + content[middle:last] + content[first:middle] + content[last:]
    return swapped, f"bytes {first} to {middle} put after {last}"


def _chunks_swapped(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    starts = _chunk_starts(content)
    if len(starts) < 4:
        return _swapped(content, rng)
    at = int(rng.integers(1, len(starts) - 2))
    first, middle, last = starts[at : at + 3]
    swapped = content[:first] + content[middle:last] + content[first:middle] + content[last:]
    return swapped, f"parts at {first} and {middle} swapped"


def _zeroed(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    start = _place(content, rng)
    length = min(int(rng.integers(1, 513)), len(content) - start)
    return content[:start] + bytes(length) + content[start + length :], f"{length} zeros written at {start}"


MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits, _delete_bytes, _insert_bytes, _cut_off, _cut_off, _cut_off_and_closed, _extreme_header,
    _extreme_header, _concatenated, _swapped, _chunks_swapped, _zeroed,
)  # fmt: skip


def _chunk_starts(content: bytes) -> list[int]:
    """Return where the chunks of a PNG or the segments of a JPEG begin; empty for other kinds."""
    starts = []
    if content.startswith(b"\x89PNG"):
        position = 8
        while position < len(content):
            starts.append(position)
            position += 12 + int.from_bytes(content[position : position + 4])
    elif content.startswith(b"\xff\xd8"):
        position = 2
        while position < len(content) and content[position + 1] != 0xDA:
            starts.append(position)
            position += 2 + int.from_bytes(content[position + 2 : position + 4])
        starts.append(position)
    return starts


def _place(content: bytes, rng: np.random.Generator) -> int:
    return int(rng.integers(0, len(content)))


def _places(content: bytes, rng: np.random.Generator, count: int) -> list[int]:
    return [_place(content, rng) for _ in range(count)]


def _photograph(seed: int) -> Image.Image:
    """A smooth picture of many colours with noise."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    colours = np.stack([255 * rows / HEIGHT, 255 * columns / WIDTH, 127 + 40 * np.sin(rows / 3 + seed)], axis=2)
    noise = np.random.default_rng(seed).integers(-12, 13, colours.shape)
    return Image.fromarray(np.clip(colours + noise, 0, 255).astype(np.uint8))


def _saved(image: Image.Image, image_format: str, **settings: object) -> bytes:
    stream = BytesIO()
    image.copy().save(stream, image_format, **settings)  # saving leaves settings in the image
    return stream.getvalue()


def _interlaced_png(grey: np.ndarray) -> bytes:
    """Write 8-bit grey values as an interlaced PNG (Adam7), which Pillow reads and does not write."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = [b"\0" + row.tobytes() for top, left, down, right in passes for row in grey[top::down, left::right]]
    header = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 0, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _packed_bmp(grey: np.ndarray) -> bytes:
    """Write 8-bit grey values as a run-length coded BMP, which Pillow reads and does not write."""
    coarse = grey // 32 * 32
    lines = []
    for row in coarse[::-1]:
        starts = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
        runs = pairwise(starts)
        lines.append(b"".join(bytes([end - start, row[start]]) for start, end in runs) + b"\0\0")
    data = b"".join(lines) + b"\0\1"
    palette = b"".join(bytes([value, value, value, 0]) for value in range(256))
    offset = 14 + 40 + len(palette)
    height, width = grey.shape
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + palette + data
