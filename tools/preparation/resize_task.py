"""Make one square JPEG out of the source files of one stem: the work of one worker process."""

import filecmp
from dataclasses import dataclass
from pathlib import Path

from tools.preparation.picture import (
    PictureSettings,
    StretchedPicture,
    UnreadablePictureError,
    stretch_picture,
)


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
    """Write the first undamaged file of the stem, or else the first that can be repaired."""
    refused: dict[str, str] = {}
    kept: tuple[str, StretchedPicture] | None = None
    for name in task.names:
        try:
            picture = stretch_picture((task.source / name).read_bytes(), task.settings)
        except OSError as error:
            refused[name] = f"cannot be read: {error.strerror}"
        except UnreadablePictureError as error:
            refused[name] = str(error)
        else:
            if kept is None or picture.repair is None:
                kept = name, picture
            if picture.repair is None:
                break
    notes = [FileNote(name, "refused", reason) for name, reason in refused.items()]
    if kept is None:
        return ResizeResult(False, tuple(notes))
    kept_name, picture = kept
    if picture.repair is not None:
        notes.append(FileNote(kept_name, "repaired", picture.repair))
    others = (name for name in task.names if name != kept_name and name not in refused)
    notes += [_duplicate(task.source, kept_name, name) for name in others]
    try:
        picture.image.save(task.output, "JPEG", quality=task.quality)
    except OSError as error:
        return ResizeResult(False, tuple(notes), f"{task.output}: {error.strerror or error}")
    return ResizeResult(True, tuple(notes))


def _duplicate(source: Path, kept: str, other: str) -> FileNote:
    try:
        same = filecmp.cmp(source / kept, source / other, shallow=False)
    except OSError as error:
        return FileNote(other, "refused", f"cannot be read: {error.strerror}")
    return FileNote(other, "duplicate", f"{'same' if same else 'other'} content as the one kept: {kept}")
