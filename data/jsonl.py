"""Reading JSON-lines files, with the line in every complaint."""

import json
import re
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeGuard

from options.errors import UserError
from options.printable import LONGEST_SHOWN, quoted, shortened

Record = dict[str, object]

LONGEST_LINE = 64 * 2**20
"""Bytes; a listing has a few thousand. No more of a line is ever read into memory."""

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, as a title cut in the middle of an emoji leaves it (\\ud83d); UTF-8 cannot write it."""


class _RepeatedKeyError(Exception):
    """An object that states a key twice."""


class DataError(UserError):
    """A fault in a data file, with its place."""

    def __init__(self, file: Path, line: int | None, message: str) -> None:
        place = f"{file}:{line}" if line is not None else str(file)
        super().__init__(f"{place}: {message}")
        self.line = line
        """None for a fault of the whole file."""
        self.reason = message
        """The message without its place."""


def read_records(file: Path) -> Iterator[tuple[int, Record]]:
    """Yield the line number, from 1, and the JSON object of every line; blank lines are passed over.

    The file is UTF-8, with or without a byte order mark, with any line ends.

    Raises DataError for a file that cannot be read and for a line that is not a JSON object, states a key
    twice or is longer than 64 MiB.
    """
    for number, record in read_records_or_faults(file):
        if isinstance(record, DataError):
            raise record
        yield number, record


def read_records_or_faults(file: Path) -> Iterator[tuple[int, Record | DataError]]:
    """Do as read_records, but yield the fault of a line that is not a JSON object in its place, and go on.

    Raises DataError for a file that cannot be read.
    """
    try:
        with file.open("rb") as stream:
            # Of a longer line no more than the byte that tells so is read.
            for number, line in enumerate(iter(partial(stream.readline, LONGEST_LINE + 1), b""), start=1):
                if len(line) > LONGEST_LINE:
                    raise DataError(file, number, f"is longer than {LONGEST_LINE:,} bytes; are its line ends missing?")
                if number == 1:
                    line = line.removeprefix(BOM_UTF8)
                if line.strip():
                    yield number, _parsed(file, number, line)
    except OSError as error:
        raise DataError(file, None, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise DataError(file, None, f"cannot be read: {error}") from error  # a NUL in the file's name


def text_field(file: Path, line: int, record: Record, key: str) -> str:
    """Return the string at a key of a record, empty where it is absent or null; half characters become U+FFFD."""
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(file, line, f"{key!r} should be a string, not {excerpt(value)}")
    try:
        value.encode()  # finds half characters many times faster than the pattern
    except UnicodeEncodeError:
        return LONE_SURROGATE.sub("\ufffd", value)
    return value


def id_field(file: Path, line: int, record: Record, key: str) -> str:
    """Return the string at a key that names something: present, not empty, and whole characters."""
    if record.get(key) is None:
        raise DataError(file, line, f"has no {key!r}")
    value = text_field(file, line, record, key)
    if not value:
        raise DataError(file, line, f"{key!r} is empty")
    if value != record[key]:
        raise DataError(file, line, f"{key!r} has half a character, which no file can be written with: {quoted(value)}")
    return value


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a JSON value is a number, and one that a float holds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def excerpt(value: object) -> str:
    """Return the start of a JSON value on one printable line, for a message."""
    text = ""
    # Piece by piece: the whole may be megabytes, or nested too deep to be written at all.
    for piece in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        text += piece
        if len(text) > LONGEST_SHOWN:
            break
    return shortened(LONE_SURROGATE.sub("\ufffd", text))


def _parsed(file: Path, number: int, line: bytes) -> Record | DataError:
    try:
        text = line.decode("utf-8")
        if text.startswith("\ufeff"):
            raise json.JSONDecodeError("Unexpected UTF-8 BOM (decode using utf-8-sig)", text, 0)
        record = _DECODER.decode(text)
    except _RepeatedKeyError as error:
        return DataError(file, number, f"states the key {error} twice; keep one of them")
    except UnicodeDecodeError:
        return DataError(file, number, "is not UTF-8 text")
    except json.JSONDecodeError as error:
        return DataError(file, number, f"is not valid JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, and brackets within brackets without end.
        return DataError(file, number, f"is not valid JSON: {error}")
    return record if isinstance(record, dict) else DataError(file, number, "should be a JSON object, {...}")


def _record(pairs: list[tuple[str, object]]) -> Record:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(quoted(next(key for key in keys if keys.count(key) > 1)))
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_record)
