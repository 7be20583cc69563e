"""Files written whole or not at all, and faults of the disk as faults that the user can mend."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

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
    with whole_path(file) as temporary, temporary.open("w", encoding="utf-8") as stream:
        yield stream


@contextmanager
def whole_path(file: Path) -> Iterator[Path]:
    """Do as whole_file for a file of any kind: give the path under which it is to be written."""
    with writing(file):
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        temporary = file.with_name(f".{file.name}.writing")
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Do as whole_file for a folder: give an empty one, which gets the name once all of its files are on the disk."""
    with writing(folder):
        temporary = folder.with_name(f".writing_{folder.name}")
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            temporary.mkdir(parents=True)
            yield temporary
            for file in temporary.iterdir():
                with file.open("rb") as stream:
                    os.fsync(stream.fileno())
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def refuse_existing(target: Path) -> None:
    """Raise UserError where there is a file or folder of this name."""
    if target.exists():
        raise UserError(f"{target}: exists already; remove it or name another")
