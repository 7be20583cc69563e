"""Make one square JPEG out of the source files of one stem: the work of one worker process."""

import filecmp
import os
from dataclasses import dataclass
from pathlib import Path

from scripts.preparation.picture import PictureSettings, UnreadablePictureError, stretch_picture


@dataclass(frozen=True, slots=True)
class FileNote:
    """A source file that did not simply become its output."""

    file: str
    """Name relative to the source folder."""
    status: str
    """repaired | refused | duplicate | ignored"""
    reason: str


@dataclass(frozen=True, slots=True)
class ResizeTask:
    """The source files of one stem and where their picture goes."""

    stem: str
    names: tuple[str, ...]
    source: Path
    output: Path
    """Temporary name; the parent moves it to its final one."""
    settings: PictureSettings
    quality: int


@dataclass(frozen=True, slots=True)
class ResizeResult:
    """What became of a task."""

    written: bool
    notes: tuple[FileNote, ...]
    write_error: str | None = None
    """The output cannot be written (disk full, no permission): no fault of the source file."""


def resize_pictures(task: ResizeTask) -> ResizeResult:
    """Write the first file of the stem that can be decoded; the rest are its duplicates."""
    notes: list[FileNote] = []
    for position, name in enumerate(task.names):
        try:
            content = (task.source / name).read_bytes()
        except OSError as error:
            notes.append(FileNote(name, "refused", f"cannot be read: {error.strerror}"))
            continue
        try:
            picture = stretch_picture(content, task.settings)
        except UnreadablePictureError as error:
            notes.append(FileNote(name, "refused", str(error)))
            continue
        if picture.repair is not None:
            notes.append(FileNote(name, "repaired", picture.repair))
        notes.extend(_duplicate(task.source, name, other) for other in task.names[position + 1 :])
        try:
            picture.image.save(task.output, "JPEG", quality=task.quality)
        except OSError as error:
            return ResizeResult(False, tuple(notes), f"{task.output}: {error.strerror or error}")
        return ResizeResult(True, tuple(notes))
    return ResizeResult(False, tuple(notes))


def _duplicate(source: Path, kept: str, other: str) -> FileNote:
    try:
        same = filecmp.cmp(source / kept, source / other, shallow=False)
    except OSError as error:
        return FileNote(other, "refused", f"cannot be read: {error.strerror}")
    return FileNote(
        other, "duplicate", f"{'same' if same else 'other'} content as the one kept: {os.fspath(kept)}"
    )
