"""Find the parts of split archives and read them as one file without copying them."""

import bisect
import io
import itertools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from options.errors import UserError

_NUMBERED = re.compile(r"(?P<name>.+\.zip)\.(?P<part>\d{3,})", re.IGNORECASE)
_LETTERED = re.compile(r"(?P<name>.+\.zip)\.?(?:part)?(?P<part>[a-z]{2})", re.IGNORECASE)
_SPANNED = re.compile(r"(?P<name>.+)\.z(?P<part>\d{2,})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip archive: one file, or several parts in order."""

    name: str
    """File name without `.zip` and part endings."""
    parts: tuple[Path, ...]
    spanned: bool = False
    """The parts are .z01, .z02, ..., .zip, which count offsets from the start of each part."""


class JoinedParts(io.RawIOBase):
    """The bytes of several files one after the other, read only; closing it closes them."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self._files: list[BinaryIO] = []
        for part in parts:
            self._files.append(part.open("rb"))
        sizes = (os.fstat(file.fileno()).st_size for file in self._files)
        self.starts = [0, *itertools.accumulate(sizes)]
        """Offset of each part, and the total size."""
        self._position = 0

    def readable(self) -> bool:  # noqa: D102 - as documented in io
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def tell(self) -> int:  # noqa: D102
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:  # noqa: D102
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.starts[-1]}[whence]
        if base + offset < 0:
            raise OSError("seek before the start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # noqa: D102
        if self._position >= self.starts[-1]:
            return 0
        part = bisect.bisect_right(self.starts, self._position) - 1
        self._files[part].seek(self._position - self.starts[part])
        content = self._files[part].read(min(len(buffer), self.starts[part + 1] - self._position))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def close(self) -> None:  # noqa: D102
        for file in self._files:
            file.close()
        super().close()


def find_archives(paths: Iterable[Path]) -> list[Archive]:
    """Group files into archives: `a.zip`, `a.zip.001 ...`, `a.zip.partaa ...`, `a.zip.aa ...`, `a.z01 ... a.zip`.

    A folder stands for all files in it that are named so.

    Raises:
        UserError: a path is missing, no archive is among them, a part in the middle is missing, or two archives have
            one name, which is that of the folder each is extracted into.
    """
    groups: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file; download it first")
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            found = _part_of(file)
            if found is not None:
                name, kind, part = found
                groups.setdefault((file.parent / name, kind), {})[part] = file
            elif not path.is_dir():
                raise UserError(f"{file}: is not named like a zip archive or a part of one")
    archives = []
    for (path, kind), parts in sorted(groups.items()):
        if kind == "whole" and (path, "spanned") in groups:
            continue
        if kind == "spanned":
            last = groups.get((path, "whole"))
            if last is None:
                raise UserError(f"{path}.zip: the last part of {path.name}.z01 ... is missing; download it")
        _check_complete(path, kind, parts)
        ordered = [parts[part] for part in sorted(parts, key=lambda text: (len(text), text))]
        if kind == "spanned":
            ordered.append(groups[path, "whole"][""])
        archives.append(Archive(path.name, tuple(ordered), kind == "spanned"))
    if not archives:
        raise UserError("no zip archive is among the given paths")
    _check_names_differ(archives)
    return archives


def _check_names_differ(archives: Iterable[Archive]) -> None:
    first: dict[str, Path] = {}
    for archive in archives:
        part = archive.parts[0]
        if first.setdefault(archive.name, part) != part:
            raise UserError(
                f"{part}: would be extracted into the folder of {first[archive.name]}, {archive.name}; rename one, or "
                "extract it into another folder"
            )


def _part_of(file: Path) -> tuple[str, str, str] | None:
    """Return the archive's name, the kind of splitting and the part's sign, or None."""
    if file.suffix.lower() == ".zip":
        return file.stem, "whole", ""
    for kind, pattern in (("numbered", _NUMBERED), ("lettered", _LETTERED), ("spanned", _SPANNED)):
        match = pattern.fullmatch(file.name)
        if match:
            name = match["name"]
            return (name if kind == "spanned" else name[: -len(".zip")]), kind, match["part"].lower()
    return None


def _check_complete(path: Path, kind: str, parts: dict[str, Path]) -> None:
    numbers = sorted(_number(part) for part in parts) if kind != "whole" else []
    first = 0 if kind == "lettered" or 0 in numbers else 1
    for expected, number in enumerate(numbers, start=first):
        if number != expected:
            raise UserError(f"{path}: part {expected} ({kind}) is missing between {len(parts)} parts; download it")


def _number(part: str) -> int:
    if part.isdigit():
        return int(part)
    number = 0
    for letter in part:
        number = number * 26 + ord(letter) - ord("a")
    return number
