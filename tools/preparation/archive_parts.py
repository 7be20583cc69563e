"""Find the parts that zip archives are split into."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from options.errors import UserError

_NAMES = {
    "whole": re.compile(r"(?P<name>.+)\.zip(?P<part>)", re.IGNORECASE),
    "numbered": re.compile(r"(?P<name>.+)\.zip\.(?P<part>\d{3,})", re.IGNORECASE),
    "lettered": re.compile(r"(?P<name>.+)\.zip\.?(?:part)?(?P<part>[a-z]{2})", re.IGNORECASE),
    "spanned": re.compile(r"(?P<name>.+)\.z(?P<part>\d{2,})", re.IGNORECASE),
}
"""How files are named, by the way of splitting."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip archive: one file, or several parts in order."""

    name: str
    """File name without `.zip` and part endings."""
    parts: tuple[Path, ...]
    spanned: bool = False
    """The parts are .z01, .z02, ..., .zip, which count offsets from the start of each part."""


def find_archives(paths: Iterable[Path]) -> list[Archive]:
    """Group files into archives: `a.zip`, `a.zip.001 ...`, `a.zip.partaa ...`, `a.zip.aa ...`, `a.z01 ... a.zip`.

    A folder stands for all files in it that are named so.

    Raises:
        UserError: a path is missing, no archive is among them, a part in the middle is missing, or two archives have
            one name, which is that of the folder each is extracted into.
    """
    groups: dict[tuple[Path, str], dict[int, Path]] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file; download it first")
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            splitting, name = next(
                ((splitting, found) for splitting, names in _NAMES.items() if (found := names.fullmatch(file.name))),
                ("", None),
            )
            if name is not None:
                groups.setdefault((file.parent / name["name"], splitting), {})[_number(name["part"].lower())] = file
            elif not path.is_dir():
                raise UserError(f"{file}: is not named like a zip archive or a part of one")
    archives: dict[str, Archive] = {}
    for (path, splitting), parts in sorted(groups.items()):
        if splitting == "whole" and (path, "spanned") in groups:
            continue
        archive = Archive(path.name, _ordered(path, splitting, parts, groups), splitting == "spanned")
        first = archives.setdefault(path.name, archive)
        if first is not archive:
            raise UserError(
                f"{archive.parts[0]}: would be extracted into the folder of {first.parts[0]}, {path.name}; rename one, "
                "or extract it into another folder"
            )
    if not archives:
        raise UserError("no zip archive is among the given paths")
    return list(archives.values())


def _ordered(
    path: Path, splitting: str, parts: dict[int, Path], groups: dict[tuple[Path, str], dict[int, Path]]
) -> tuple[Path, ...]:
    """Return the parts of an archive in order; raises UserError where one is missing."""
    if splitting == "spanned" and (path, "whole") not in groups:
        raise UserError(f"{path}.zip: the last part of {path.name}.z01 ... is missing; download it")
    first = 0 if splitting in ("whole", "lettered") or 0 in parts else 1
    for expected in range(first, first + len(parts)):
        if expected not in parts:
            raise UserError(f"{path}: part {expected} ({splitting}) is missing between {len(parts)} parts; download it")
    last = groups[path, "whole"].values() if splitting == "spanned" else ()
    return (*(parts[number] for number in sorted(parts)), *last)


def _number(part: str) -> int:
    """Return the number of a part that is signed with digits, or with letters from aa on."""
    if part.isdigit():
        return int(part)
    number = 0
    for letter in part:
        number = number * 26 + ord(letter) - ord("a")
    return number
