"""One run at a time in a folder, or at a file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.disk import writing
from options.errors import UserError


@contextmanager
def sole_user(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock file, which the system releases however the process ends.

    Raises UserError where another process holds it; `what` says what it then does already.
    """
    with _opened(lock) as file:
        with writing(lock):
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError) as error:  # which one is up to the system
                file.seek(0)
                holder = file.read(20).strip()
                raise UserError(
                    f"{lock.parent}: process {holder} {what} here already; wait for it or end it"
                ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Hold a lock file once whoever holds it is done; raises UserError where files cannot be locked."""
    with _opened(lock) as file:
        with writing(lock):
            fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _opened(lock: Path) -> TextIO:
    with writing(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        # Unlike flock, lockf is not handed on to loader processes, which may outlive a killed parent.
        return lock.open("a+", encoding="ascii")
