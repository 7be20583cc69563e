"""A submission's similarity.py in a process of its own."""

import array
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        harness = Path(__file__).with_name("harness.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(harness), str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def compute(self, source: Sequence[float], target: Sequence[float]) -> float:
        """Return compute(source, target) of similarity.py.

        Raises:
            SimilarityError: it failed, or took longer than the time limit in seconds.
        """
        assert self._process.stdin is not None  # piped
        message = struct.pack("<II", len(source), len(target))
        message += array.array("d", source).tobytes() + array.array("d", target).tobytes()
        try:
            self._process.stdin.write(message)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        answer: float = struct.unpack("<d", self._read(8))[0]
        return answer

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None  # piped
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + self._time_limit
        content = b""
        while len(content) < size:
            ready = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0.0))[0]
            if not ready:
                raise SimilarityError(f"compute took longer than {self._time_limit:g} s")
            chunk = os.read(descriptor, size - len(content))
            if not chunk:
                raise self._failure()
            content += chunk
        return content

    def _failure(self) -> SimilarityError:
        self._process.kill()
        self._process.communicate()
        self._errors.seek(max(self._errors.seek(0, os.SEEK_END) - _LONGEST_MESSAGE, 0))
        message = self._errors.read().decode("utf-8", "replace").strip()
        return SimilarityError(message.splitlines()[-1] if message else "its process ended without a word")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()
