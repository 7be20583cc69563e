"""What a resizing run finds in a folder and says about it: a journal while it runs, a report when it is done."""

import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO, TypeVar

from data.stand_ins import has_picture_suffix
from engine.disk import whole_file, writing
from options.errors import UserError

REPORT_NAME = "report.jsonl"
_JOURNAL_NAME = ".report.partial.jsonl"


@dataclass(frozen=True, slots=True)
class PictureListing:
    """What a folder of pictures holds; names are relative to it, with forward slashes."""

    groups: dict[str, tuple[str, ...]]
    """Names by stem, in the order of preference."""
    ignored: dict[str, str]
    """Why a name is not taken for a picture."""


@dataclass(frozen=True, slots=True)
class FileNote:
    """A source file that did not simply become its output."""

    file: str
    """Name relative to the source folder."""
    status: str
    """repaired | refused | duplicate | ignored"""
    reason: str


T = TypeVar("T")
NotesByStem = dict[str, tuple[FileNote, ...]]


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
            if os.path.islink(path) or has_picture_suffix(name):  # noqa: PTH114
                yield path
        for name in files:
            yield os.path.join(folder, name)  # noqa: PTH118


def _reason_to_ignore(path: Path, root: Path) -> str | None:
    status = path.lstat()
    if path.name.startswith("."):
        return "hidden file"
    if not has_picture_suffix(path.name):
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


def earlier_notes(output: Path) -> NotesByStem:
    """Read what earlier runs noted: the report of a finished one, then the journal of an interrupted one."""
    notes: NotesByStem = {}
    for note in _read_lines(output / REPORT_NAME, _note):
        if note.status != "ignored":
            stem = Path(note.file).stem
            notes[stem] = (*notes.get(stem, ()), note)
    notes.update(_read_lines(output / _JOURNAL_NAME, _entry))
    return notes


@contextmanager
def open_journal(output: Path) -> Iterator[TextIO]:
    """Open the journal to go on with it; raises UserError where it cannot be written."""
    path = output / _JOURNAL_NAME
    with writing(path):
        with path.open("a+b") as lines:
            # A killed run may have cut its last line; it must not swallow the next one.
            lines.seek(0)
            lines.truncate(lines.read().rfind(b"\n") + 1)
        journal = path.open("a", encoding="utf-8")
    try:
        yield journal
    finally:
        with writing(path):  # closing writes what a full disk has not taken before
            journal.close()


def write_journal(journal: TextIO, stem: str, notes: tuple[FileNote, ...]) -> None:
    """Record the notes on the files of one stem, in place of earlier ones; raises UserError for a full disk."""
    with writing(Path(journal.name)):
        journal.write(_json_line({"stem": stem, "notes": [asdict(note) for note in notes]}))
        journal.flush()


def complete_report(listing: PictureListing, notes: NotesByStem) -> list[FileNote]:
    """Return the notes on all files of the listing, in the order of the file names."""
    report = [FileNote(name, "ignored", reason) for name, reason in listing.ignored.items()]
    for stem, names in listing.groups.items():
        report += [note for note in notes.get(stem, ()) if note.file in names]
    return sorted(report, key=lambda note: (note.file, note.status))


def write_report(output: Path, report: list[FileNote]) -> None:
    """Write report.jsonl, one line a note, and end the journal; raises UserError where it cannot be written."""
    with whole_file(output / REPORT_NAME) as lines:
        lines.writelines(_json_line(asdict(note)) for note in report)
    with writing(output / _JOURNAL_NAME):
        (output / _JOURNAL_NAME).unlink()


def count_statuses(report: list[FileNote]) -> dict[str, int]:
    """Count the notes by status, duplicates by whether their content is that of the file kept."""
    counts = Counter(
        f"duplicate, {note.reason.split(' ', 1)[0]} content" if note.status == "duplicate" else note.status
        for note in report
    )
    statuses = ("repaired", "refused", "duplicate, same content", "duplicate, other content", "ignored")
    return {status: counts[status] for status in statuses}


def _read_lines(path: Path, parse: Callable[[object], T]) -> Iterator[T]:
    """Yield what the whole lines of a file hold: a killed run may have cut the last one."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                if line.endswith(b"\n"):
                    yield parse(json.loads(line))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise UserError(f"{path}:{number}: is no line of a resizing report; move that file away") from error


def _note(record: object) -> FileNote:
    if not isinstance(record, dict) or not all(isinstance(value, str) for value in record.values()):
        raise TypeError(record)
    return FileNote(**record)


def _entry(record: object) -> tuple[str, tuple[FileNote, ...]]:
    if not isinstance(record, dict) or not isinstance(record["stem"], str):
        raise TypeError(record)
    return record["stem"], tuple(map(_note, record["notes"]))


def _json_line(record: object) -> str:
    """Write one JSON line; what is no valid UTF-8 in file names is escaped, and so survives."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n"
