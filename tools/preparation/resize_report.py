"""What a resizing run says about its source files: a journal while it runs, a report when it is done."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO, TypedDict

from engine.disk import whole_file, writing
from tools.preparation.picture_listing import PictureListing
from tools.preparation.resize_task import FileNote

REPORT_NAME = "report.jsonl"
_JOURNAL_NAME = ".report.partial.jsonl"

NotesByStem = dict[str, tuple[FileNote, ...]]


class _NoteRecord(TypedDict):
    file: str
    status: str
    reason: str


class _JournalRecord(TypedDict):
    stem: str
    notes: list[_NoteRecord]


def earlier_notes(output: Path) -> NotesByStem:
    """Read what earlier runs noted: the report of a finished one, then the journal of an interrupted one."""
    notes: NotesByStem = {}
    for line in _whole_lines(output / REPORT_NAME):
        record: _NoteRecord = json.loads(line)
        if record["status"] != "ignored":
            stem = Path(record["file"]).stem
            notes[stem] = (*notes.get(stem, ()), FileNote(**record))
    for line in _whole_lines(output / _JOURNAL_NAME):
        entry: _JournalRecord = json.loads(line)
        notes[entry["stem"]] = tuple(FileNote(**note) for note in entry["notes"])
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


def _whole_lines(path: Path) -> Iterator[str]:
    if path.exists():
        with path.open(encoding="utf-8", newline="\n") as lines:
            yield from (line for line in lines if line.endswith("\n"))


def _json_line(record: object) -> str:
    """Write one JSON line; file names that are no valid UTF-8 are escaped, and so survive."""
    text = json.dumps(record, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(record)
    return text + "\n"
