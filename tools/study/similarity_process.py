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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

_LONGEST_MESSAGE = 1 << 16
"""Bytes at the end of what was printed in which its last line is looked for."""


class SimilarityError(ValueError):
    """similarity.py cannot be used; the message says why."""


@contextmanager
def similarity_process(
    file: Path, time_limit: float = 60.0
) -> Iterator[Callable[[Sequence[float], Sequence[float]], float]]:
    """Give the compute(source, target) of a similarity.py, which runs in another process.

    It raises SimilarityError where it fails, or takes longer than the time limit in seconds.
    """
    connection, other_end = Pipe()
    # A file takes whatever is printed; a pipe that is read at the end alone would hold the process up when full.
    with connection, tempfile.TemporaryFile() as printed:
        with other_end:
            process = subprocess.Popen(
                [sys.executable, "-Iu", __file__, str(file), str(other_end.fileno())],
                pass_fds=[other_end.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
            )

        def compute(source: Sequence[float], target: Sequence[float]) -> float:
            try:
                connection.send_bytes(array("d", [len(source), *source, *target]).tobytes())
                if not connection.poll(time_limit):
                    raise SimilarityError(f"compute took longer than {time_limit:g} s")
                answer: float = struct.unpack("d", connection.recv_bytes())[0]
            except (EOFError, OSError):
                process.kill()
                process.wait()
                raise SimilarityError(_last_line(printed)) from None
            return answer

        try:
            yield compute
        finally:
            process.kill()
            process.wait()


def _last_line(printed: IO[bytes]) -> str:
    printed.seek(max(printed.seek(0, os.SEEK_END) - _LONGEST_MESSAGE, 0))
    message = printed.read().decode("utf-8", "replace").strip()
    return message.splitlines()[-1] if message else "its process ended without a word"


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
