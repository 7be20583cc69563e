"""Many texts in little memory: byte strings end to end in one buffer, and rows by the hashes of their texts."""

from array import array
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

NUMBERS = "q"
"""Type code of whole numbers of 64 bits."""
HASHES = "Q"
"""Type code of hashes: 64 bits, unsigned."""


class FlatRows:
    """N byte strings in one buffer, which forked processes share.

    A Python object for each would count its references in place, so that every process copied all it reads.
    """

    def __init__(self, rows: Iterable[bytes] = ()) -> None:
        self._content = bytearray()
        self._starts = array(NUMBERS)
        self._ends = array(NUMBERS)
        for row in rows:
            self.append(row)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, row: int) -> bytes:
        return bytes(memoryview(self._content)[self._starts[row] : self._ends[row]])

    def append(self, row: bytes) -> None:
        """Add a row at the end."""
        self._starts.append(len(self._content))
        self._content += row
        self._ends.append(len(self._content))

    def select(self, rows: NDArray[np.int64]) -> "FlatRows":
        """Return some of the rows, without copying the buffer unless most of it would be kept for nothing."""
        starts, ends = np.asarray(self._starts, np.int64)[rows], np.asarray(self._ends, np.int64)[rows]
        if 2 * (ends - starts).sum() < len(self._content):
            return FlatRows(self[row] for row in rows.tolist())
        selected = FlatRows()
        selected._content = self._content
        selected._starts.frombytes(starts.tobytes())
        selected._ends.frombytes(ends.tobytes())
        return selected


class HashIndex:
    """Finds the rows whose text may be a given one, in 16 bytes a row; two texts can have one hash."""

    def __init__(self, hashes: Iterable[int]) -> None:
        """Sort the hashes of rows 0, 1, ...; an array of them is not copied."""
        by_row = np.asarray(hashes if isinstance(hashes, array) else array(HASHES, hashes), np.uint64)
        self._rows: NDArray[np.int64] = np.argsort(by_row, kind="stable")
        self._hashes: NDArray[np.uint64] = by_row[self._rows]

    def rows(self, text: str) -> list[int]:
        """Return the rows, ascending, that have the hash of a text."""
        value = np.uint64(text_hash(text))
        start, end = self._hashes.searchsorted(value, "left"), self._hashes.searchsorted(value, "right")
        rows: list[int] = self._rows[start:end].tolist()
        return rows

    def repeated(self) -> list[int]:
        """Return the rows, ascending, that have the hash of an earlier row."""
        rows: list[int] = np.sort(self._rows[1:][self._hashes[1:] == self._hashes[:-1]]).tolist()
        return rows

    def select(self, rows: NDArray[np.int64]) -> "HashIndex":
        """Return the index of some of the rows, which are numbered anew in the order given."""
        by_row = np.empty_like(self._hashes)
        by_row[self._rows] = self._hashes
        hashes = array(HASHES)
        hashes.frombytes(by_row[rows].tobytes())
        return HashIndex(hashes)


def text_hash(text: str) -> int:
    """Return a hash of 64 bits that is the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
