"""Checksums of a checkpoint's files, as `sha256sum -c SHA256SUMS` reads them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from engine.disk import write_text
from options.errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SUMS = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


class DamagedError(UserError):
    """A file is not as it was written."""


def file_checksum(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_checksums(folder: Path) -> None:
    """Write the checksums of all files of a folder into it."""
    files = sorted(file for file in folder.iterdir() if file.name != SUMS)
    write_text(folder / SUMS, "".join(f"{file_checksum(file)}  {file.name}\n" for file in files))


def check_files(folder: Path, names: Collection[str] | None = None) -> None:
    """Raise DamagedError unless a folder's files are those that its checksums name, and as they were written.

    With `names` only these are looked at.
    """
    checksums = _read_checksums(folder / SUMS)
    present = {file.name for file in folder.iterdir()} - {SUMS}
    for name in sorted(checksums.keys() | present if names is None else names):
        try:
            expected, found = checksums[name], file_checksum(folder / name)
        except KeyError as error:
            raise DamagedError(f"{folder / SUMS}: is damaged or cut off: it lacks {name}") from error
        except FileNotFoundError as error:
            raise DamagedError(f"{folder / name}: is missing") from error
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be read: {error.strerror}") from error
        if found != expected:
            raise DamagedError(f"{folder / name}: is damaged or cut off: its checksum is not that of {SUMS}")


def recorded_checksum(folder: Path, name: str) -> str | None:
    """Return the checksum that a folder's list has of a file, or None; raises DamagedError for a list that is none."""
    return _read_checksums(folder / SUMS).get(name)


def own_checksum(record: DataclassInstance) -> str:
    """Return the SHA-256 of all that a record says but its field `own_checksum`, which is to be it.

    A default says nothing, so that a record of before there was a field keeps its checksum.
    """
    said = asdict(record)
    for one in fields(record):
        if one.name == "own_checksum" or said[one.name] == one.default:
            del said[one.name]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _read_checksums(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except FileNotFoundError as error:
        raise DamagedError(f"{file}: is missing") from error
    except UnicodeDecodeError as error:
        raise DamagedError(f"{file}: is damaged") from error
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from error
    matches = [LINE.fullmatch(line) for line in lines]
    if None in matches:
        raise DamagedError(f"{file}: is damaged or cut off")
    return {match[2]: match[1] for match in matches if match is not None}
