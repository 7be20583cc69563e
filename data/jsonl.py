"""Reading JSON-lines files, with the line in every complaint."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from options.errors import UserError

Record = dict[str, object]


class DataError(UserError):
    """A fault in a data file, with its place."""

    def __init__(self, file: Path, line: int | None, message: str) -> None:
        place = f"{file}:{line}" if line is not None else str(file)
        super().__init__(f"{place}: {message}")


def read_records(file: Path) -> Iterator[tuple[int, Record]]:
    """Yield the line number, from 1, and the JSON object of every line; blank lines are passed over.

    Raises DataError for a file that cannot be read and for a line that is not a JSON object.
    """
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _parse(file, number, line)
    except OSError as error:
        raise DataError(file, None, f"cannot be read: {error.strerror}") from error


def text_field(file: Path, line: int, record: Record, key: str, default: str | None = None) -> str:
    """Return the string at a key of a record; absent and null count as the default, if there is one."""
    value = record.get(key)
    if value is None and default is not None:
        return default
    if value is None:
        raise DataError(file, line, f"has no {key!r}")
    if not isinstance(value, str):
        raise DataError(file, line, f"{key!r} should be a string, not {json.dumps(value)[:80]}")
    return value


def _parse(file: Path, number: int, line: bytes) -> Record:
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise DataError(file, number, "is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise DataError(file, number, f"is not valid JSON: {error}") from error
    if not isinstance(record, dict):
        raise DataError(file, number, "should be a JSON object, {...}")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
