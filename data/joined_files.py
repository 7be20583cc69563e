"""Several files read as one."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class JoinedFiles(io.RawIOBase):
    """The bytes of several files one after the other, read only and without a joined copy; closing it closes them."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Open the files; raises OSError."""
        self._files = [file.open("rb") for file in files]
        self.starts = list(accumulate((file.stat().st_size for file in files), initial=0))
        """Byte at which each file begins, and the number of all bytes."""
        self._position = 0

    def readable(self) -> bool:
        """As documented in io."""
        return True

    def seekable(self) -> bool:
        """As documented in io."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """As documented in io; raises OSError for a place before the start."""
        position = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.starts[-1]}[whence] + offset
        if position < 0:
            raise OSError("seek before the start")
        self._position = position
        return position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as the file reaches that the position lies in."""
        if self._position >= self.starts[-1]:
            return 0
        number = bisect_right(self.starts, self._position) - 1
        file = self._files[number]
        file.seek(self._position - self.starts[number])
        num_read = file.readinto(buffer)
        self._position += num_read
        return num_read

    def close(self) -> None:
        """As documented in io."""
        for file in self._files:
            file.close()
        super().close()
