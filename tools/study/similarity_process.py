"""A submission's similarity.py in a process of its own, whose program this file is as well.

A message to that process is the number of doubles of the source, then the doubles of both items; its answer is one
double. What similarity.py prints goes to a file, whose last line is told where it fails.
"""

import importlib.util
import os
import struct
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

_LONGEST_MESSAGE = 1 << 16
"""Bytes at the end of what was printed in which its last line is looked for."""


class SimilarityError(ValueError):
    """similarity.py cannot be used; the message says why."""


class SimilarityProcess:
    """Compute scores with a similarity.py; to be used in a with statement."""

    def __init__(self, file: Path, time_limit: float = 60.0) -> None:
        self._time_limit = time_limit
        # A file takes whatever is printed; a pipe that is read at the end alone would hold the process up when full.
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._connection, other_end = Pipe()
        with other_end:
            self._process = subprocess.Popen(
                [sys.executable, "-Iu", __file__, str(file), str(other_end.fileno())],
                pass_fds=[other_end.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=self._printed,
            )

    def compute(self, source: Sequence[float], target: Sequence[float]) -> float:
        """Return compute(source, target) of similarity.py.

        Raises:
            SimilarityError: it failed, or took longer than the time limit in seconds.
        """
        try:
            self._connection.send_bytes(array("d", [len(source), *source, *target]).tobytes())
            if not self._connection.poll(self._time_limit):
                raise SimilarityError(f"compute took longer than {self._time_limit:g} s")
            answer: float = struct.unpack("d", self._connection.recv_bytes())[0]
        except (EOFError, OSError):
            raise self._failure() from None
        return answer

    def _failure(self) -> SimilarityError:
        self._process.kill()
        self._process.wait()
        self._printed.seek(max(self._printed.seek(0, os.SEEK_END) - _LONGEST_MESSAGE, 0))
        message = self._printed.read().decode("utf-8", "replace").strip()
        return SimilarityError(message.splitlines()[-1] if message else "its process ended without a word")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()
        self._printed.close()


def _answer_pairs(file: Path, connection: Connection) -> None:
    """Be the process: answer pairs by a similarity.py until the other end is closed."""
    spec = importlib.util.spec_from_file_location("similarity", file)
    assert spec is not None  # the caller has seen the file
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    while True:
        num_source, *numbers = array("d", connection.recv_bytes())
        source, target = numbers[: int(num_source)], numbers[int(num_source) :]
        connection.send_bytes(struct.pack("d", float(module.compute(source, target))))


if __name__ == "__main__":
    _answer_pairs(Path(sys.argv[1]), Connection(int(sys.argv[2])))
