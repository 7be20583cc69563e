"""List the picture files of a folder, grouped by the output that they share."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from options.errors import UserError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".ss2", ".webp"})


@dataclass(frozen=True, slots=True)
class PictureListing:
    """What a folder of pictures holds; names are relative to it, with forward slashes."""

    groups: dict[str, tuple[str, ...]]
    """Names by stem, in the order of preference."""
    ignored: dict[str, str]
    """Why a name is not taken for a picture."""


def list_pictures(source: Path) -> PictureListing:
    """List all picture files below source; the same folder always gives the same listing.

    Raises:
        UserError: source is not a folder, or cannot be read.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder; extract the image archives there first")
    groups: dict[str, list[str]] = {}
    ignored: dict[str, str] = {}
    root = source.resolve()
    for entry in _walk(source):
        name = Path(entry).relative_to(source).as_posix()
        reason = _reason_to_ignore(Path(entry), root)
        if reason is None:
            groups.setdefault(Path(name).stem, []).append(name)
        else:
            ignored[name] = reason
    return PictureListing({stem: tuple(sorted(groups[stem])) for stem in sorted(groups)}, ignored)


def _walk(source: Path) -> Iterator[str]:
    """Yield every path that may need a word: files, links, and folders that are named like pictures."""

    def refuse(error: OSError) -> None:
        raise UserError(f"{error.filename}: cannot be listed: {error.strerror}") from error

    for folder, folders, files in os.walk(source, onerror=refuse):
        for name in folders:
            path = os.path.join(folder, name)  # noqa: PTH118 - a hundred thousand times
            if os.path.islink(path) or Path(name).suffix.lower() in SUFFIXES:  # noqa: PTH114
                yield path
        for name in files:
            yield os.path.join(folder, name)  # noqa: PTH118


def _reason_to_ignore(path: Path, root: Path) -> str | None:
    status = path.lstat()
    if path.name.startswith("."):
        return "hidden file"
    if path.suffix.lower() not in SUFFIXES:
        return f"suffix {path.suffix!r} is none of a picture"
    if stat.S_ISLNK(status.st_mode):
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return "link to nothing"
        if not target.is_relative_to(root):
            return "link that leaves the folder"
        status = target.stat()
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    if not stat.S_ISREG(status.st_mode):
        return "no regular file"
    return None
