"""Which image lies where in a pack: arrays that loader processes share, small enough for millions of images."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

ENTRY = np.dtype([("start", "<u8"), ("length", "<u4"), ("checksum", "<u4"), ("is_fault", "?")])
NAME_START = np.dtype("<i8")


class Entry(NamedTuple):
    """One image of a pack."""

    start: int
    """Byte of the file at which it begins."""
    length: int
    """In bytes."""
    checksum: int
    """CRC-32 of its bytes."""
    is_fault: bool
    """Whether its bytes are the reason, as UTF-8, for which there is no picture."""


@dataclass(frozen=True, slots=True)
class PackIndex:
    """The entries of N images in the order of their names."""

    entries: NDArray[np.void]
    """(N,)"""
    name_starts: NDArray[np.int64]
    """(N + 1,) where each name starts, and where the last one ends"""
    names: bytes
    """All names, end to end."""

    @classmethod
    def of(cls, entries: Mapping[bytes, Entry]) -> Self:
        """Return the index of entries by name."""
        names = sorted(entries)
        return cls(
            entries=np.array([tuple(entries[name]) for name in names], ENTRY),
            name_starts=np.cumsum([0, *map(len, names)], dtype=NAME_START),
            names=b"".join(names),
        )

    @classmethod
    def from_bytes(cls, num_images: int, content: bytes) -> Self:
        """Return the index that to_bytes has written; raises ValueError for anything else."""
        starts_at = num_images * ENTRY.itemsize
        names_at = starts_at + (num_images + 1) * NAME_START.itemsize
        if names_at > len(content):
            raise ValueError("an index that is too short for its number of images")
        return cls(
            entries=np.frombuffer(content, ENTRY, num_images),
            name_starts=np.frombuffer(content, NAME_START, num_images + 1, starts_at),
            names=content[names_at:],
        )

    def to_bytes(self) -> bytes:
        """Return entries, starts of names and names, end to end."""
        return self.entries.tobytes() + self.name_starts.tobytes() + self.names

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, name: bytes) -> Entry | None:
        """Return the entry of a name, None where there is none."""
        # By bisection: a dict of a million names would take hundreds of megabytes in every loader process.
        row = bisect_left(range(len(self)), name, key=self._name)
        return Entry(*self.entries[row].item()) if row < len(self) and self._name(row) == name else None

    def _name(self, row: int) -> bytes:
        return self.names[self.name_starts[row] : self.name_starts[row + 1]]
