"""Files written whole or not at all, and faults of the disk as faults that the user can mend."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from safetensors import SafetensorError

from options.errors import UserError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the file or folder that a full disk or a lost permission keeps from being written.

    Raises UserError in place of OSError, unless it is that of a file elsewhere, and of what safetensors makes of one.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # nobody listens to what is printed
    except (OSError, SafetensorError) as error:
        named = getattr(error, "filename", None)
        if isinstance(named, str) and not Path(named).absolute().is_relative_to(path.parent.absolute()):
            raise
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UserError(
            f"{path}: cannot be written: {reason}. What was written before is whole; make room or mend the "
            "permissions, then run the same command again."
        ) from error


@contextmanager
def whole_file(file: Path) -> Iterator[TextIO]:
    """Write a text file under another name in its folder, which is made, and give it its name once it is on the disk.

    Raises UserError where the disk is full or may not be written. After any failure there is what was there before.
    """
    with _replacing(file) as temporary, temporary.open("w", encoding="utf-8") as stream:
        yield stream
        _flush(stream)


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file as whole_file does."""
    with _replacing(file) as temporary, temporary.open("wb") as stream:
        stream.write(content)
        _flush(stream)


def _flush(stream: IO[str] | IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


@contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    """Yield the path to write to, which then takes the file's place."""
    with writing(file):
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        temporary = file.with_name(f".{file.name}.writing")
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
