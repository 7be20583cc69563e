"""Rows by the hashes of their texts."""

from array import array
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

HASHES = "Q"
"""Type code of hashes: 64 bits, unsigned."""


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
