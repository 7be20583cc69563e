"""Reading JSON-lines files, with the line in every complaint."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from options.errors import UserError

Record = dict[str, object]

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, as a title cut in the middle of an emoji leaves it (\\ud83d); UTF-8 cannot write it."""


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

    Raises DataError for a file that cannot be read and for a line that is not a JSON object.
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
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _parse_or_fault(file, number, line)
    except OSError as error:
        raise DataError(file, None, f"cannot be read: {error.strerror}") from error


def text_field(file: Path, line: int, record: Record, key: str) -> str:
    """Return the string at a key of a record, empty where it is absent or null; half characters become U+FFFD."""
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(file, line, f"{key!r} should be a string, not {excerpt(value)}")
    return LONE_SURROGATE.sub("\ufffd", value)


def id_field(file: Path, line: int, record: Record, key: str) -> str:
    """Return the string at a key that names something: present, not empty, and whole characters."""
    if record.get(key) is None:
        raise DataError(file, line, f"has no {key!r}")
    value = text_field(file, line, record, key)
    if not value:
        raise DataError(file, line, f"{key!r} is empty")
    if value != record[key]:
        raise DataError(file, line, f"{key!r} has half a character, which no file can be written with: {value!r}")
    return value


def excerpt(value: object) -> str:
    """Return the start of a JSON value, for a message."""
    text = LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 80 else f"{text[:80]}..."


def _parse_or_fault(file: Path, number: int, line: bytes) -> Record | DataError:
    try:
        return _parse(file, number, line)
    except DataError as fault:
        return fault


def _parse(file: Path, number: int, line: bytes) -> Record:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        record = json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise DataError(file, number, "is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise DataError(file, number, f"is not valid JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, and brackets within brackets without end.
        raise DataError(file, number, f"is not valid JSON: {error}") from error
    if not isinstance(record, dict):
        raise DataError(file, number, "should be a JSON object, {...}")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
