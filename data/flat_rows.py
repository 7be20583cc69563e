"""Byte strings end to end in one buffer."""

from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

NUMBERS = "q"
"""Type code of whole numbers of 64 bits."""


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
