"""Files and folders written whole or not at all, by one process at a time; faults of the disk as the user's to mend."""

import errno
import fcntl
import json
import math
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError

from options.errors import UserError
from options.fault import dotted

T = TypeVar("T")

WRITING = ".writing_"
"""What the name of a folder that is not whole yet begins with."""


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
            permissions = _permissions(temporary)
            yield temporary
            temporary.chmod(permissions)
            _sync(temporary)
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def whole_folder(folder: Path, former: Path | None = None) -> Iterator[Path]:
    """Do as whole_file for a folder: give an empty one, which gets the name once all of its files are on the disk.

    A folder that has the name by then is renamed to `former` before. What a killed process left of an earlier try,
    beside it as .writing_<name>, is deleted.
    """
    with writing(folder):
        temporary = folder.with_name(WRITING + folder.name)
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            temporary.mkdir(parents=True)
            permissions = _permissions(temporary / "file")
            (temporary / "file").unlink()
            yield temporary
            for path in temporary.iterdir():
                if path.is_file():
                    path.chmod(permissions)
                _sync(path)
            _sync(temporary)
            if former is not None and folder.exists():
                folder.rename(former)
            temporary.rename(folder)
            _sync(folder.parent)
        except BaseException:
            # The room is needed by whoever mends a full disk.
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def refuse_existing(target: Path) -> None:
    """Raise UserError where there is a file or folder of this name."""
    if target.exists():
        raise UserError(f"{target}: exists already; remove it or name another")


def _permissions(file: Path) -> int:
    """Make an empty file and return the permissions of new ones, by the umask; safetensors keeps to the owner's."""
    file.touch()
    return stat.S_IMODE(file.stat().st_mode)


def _sync(path: Path) -> None:
    """Have a file or folder outlive the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(file: Path, text: str) -> None:
    """Write a file whole or not at all, creating its folder."""
    with whole_file(file) as stream:
        stream.write(text)


def write_json(file: Path, content: Mapping[str, object]) -> None:
    """Write a JSON object, whole or not at all."""
    write_text(file, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def write_lines(file: Path, records: Iterable[Mapping[str, object]]) -> None:
    """Write a JSON object a line, whole or not at all, creating the file's folder."""
    with whole_file(file) as stream:
        stream.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def read_json(file: Path, record_type: type[T], advice: str = "", fault: str = "is damaged") -> T | None:
    """Read a record from a file, None where there is no file; raises UserError with the advice for a damaged one.

    Nothing is taken for what it is not: no text for a number, no NaN, and no number that 64 bits do not hold.
    """
    try:
        return json_record(file.read_bytes(), record_type)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{file}: {fault}: {error}" + (f"; {advice}" if advice else "")) from error


def json_record(content: str | bytes, record_type: type[T]) -> T:
    """Return the record that JSON holds; raises ValueError naming the key that is wrong, strict as read_json."""
    try:
        # A number that is none stays the text that it is, of which the type's check gives the key.
        plain = json.loads(content, parse_constant=str, parse_float=_number, parse_int=_number)
        record: T = TypeAdapter(record_type).validate_json(json.dumps(plain), strict=True)
    except RecursionError as error:
        raise ValueError("brackets within brackets without end") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{dotted(first['loc'])} {first['msg']}".strip()) from error
    return record


def _number(text: str) -> int | float | str:
    number, is_whole = float(text), text.lstrip("-").isdecimal()
    if not math.isfinite(number) or (is_whole and abs(number) >= 2.0**63):
        return text
    return int(text) if is_whole else number


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
