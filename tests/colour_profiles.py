"""Colour profiles byte by byte (ICC.1:2010), since Pillow makes none but sRGB's, and what they mean."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

D50 = (0.9642, 1.0, 0.8249)
SRGB = np.array([[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]])
"""XYZ of red, green and blue, adapted to D50: (3, 3)."""
DISPLAY_P3 = np.array([[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]])
GAMMA = 2.2


def display_p3() -> bytes:
    """A profile of Display P3's colours with a plain gamma, from a matrix and three curves."""
    colours = {f"{name}XYZ": xyz(row) for name, row in zip("rgb", DISPLAY_P3.tolist(), strict=True)}
    return profile("RGB ", {**colours, **{f"{name}TRC": curve(GAMMA) for name in "rgb"}})


def grey(gamma: float) -> bytes:
    """A profile of greys of a gamma."""
    return profile("GRAY", {"kTRC": curve(gamma)})


def ink() -> bytes:
    """A profile of inks by a table of their 16 solid mixtures: black is black, the others take red, green and blue."""
    mixtures = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    rgb = (1 - 0.8 * mixtures[:, :3]) * (1 - mixtures[:, 3:])
    colours = np.clip(rgb @ SRGB / (1 + 32767 / 32768) * 65535, 0, 65535).round().astype(">u2")
    identity = b"".join(map(s15, np.eye(3).ravel().tolist()))
    ramp = np.array([0, 65535], ">u2").tobytes()
    table = b"mft2" + bytes(4) + bytes([4, 3, 2, 0]) + identity + struct.pack(">HH", 2, 2)
    return profile("CMYK", {"A2B0": table + ramp * 4 + colours.tobytes() + ramp * 3}, device="prtr")


def in_srgb(
    colours: NDArray[np.float64], gamma: float = GAMMA, matrix: NDArray[np.float64] = SRGB
) -> NDArray[np.uint8]:
    """What colours (..., 3) from 0 to 1 of a gamma and of primaries are in sRGB, in 64 bits."""
    linear = np.clip(colours**gamma @ matrix @ np.linalg.inv(SRGB), 0, 1)
    return np.rint(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)).astype(
        "u1"
    )


def profile(space: str, tags: Mapping[str, bytes], device: str = "mntr") -> bytes:
    """A profile of version 2 with the given tags and those that every profile has."""
    name = b"Wide colours\0"
    every = {
        "desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        "cprt": b"text" + bytes(4) + b"none\0",
        "wtpt": xyz(D50),
        **tags,
    }
    start = 128 + 4 + 12 * len(every)
    table, body = b"", b""
    for tag, content in every.items():
        table += tag.encode() + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4x", start + len(body)) + b"\2\x10\0\0" + device.encode() + space.encode() + b"XYZ "
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + b"".join(map(s15, D50))
    return header.ljust(128, b"\0") + struct.pack(">I", len(every)) + table + body


def xyz(colour: Sequence[float]) -> bytes:
    """A tag of one colour."""
    return b"XYZ " + bytes(4) + b"".join(map(s15, colour))


def curve(gamma: float) -> bytes:
    """A tag of a power."""
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def s15(number: float) -> bytes:
    """A number as 15 bits before and 16 behind the point."""
    return struct.pack(">i", round(number * 65536))
