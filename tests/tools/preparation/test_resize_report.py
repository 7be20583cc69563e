import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from options.errors import UserError
from tools.preparation.resize_report import (
    FileNote,
    earlier_notes,
    list_pictures,
    open_journal,
    write_journal,
    write_report,
)

NOTE = FileNote("a.jpg", "repaired", "cut off")


def test_the_journal_goes_on_behind_its_last_whole_line(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        write_journal(journal, "a", (NOTE,))
        journal.write('{"stem": "torn')
    with open_journal(tmp_path) as journal:
        write_journal(journal, "b", ())
    assert earlier_notes(tmp_path) == {"a": (NOTE,), "b": ()}


def test_opening_the_journal_never_takes_its_whole_lines_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_journal(tmp_path) as journal:
        write_journal(journal, "a", (NOTE,))
    (file,) = tmp_path.iterdir()
    whole = file.stat().st_size
    sizes = []
    usual: Callable[..., object] = Path.open

    def noting(path: Path, *arguments: object, **named: object) -> object:
        opened = usual(path, *arguments, **named)
        sizes.append(file.stat().st_size)
        return opened

    monkeypatch.setattr(Path, "open", noting)
    with open_journal(tmp_path):
        pass
    assert min(sizes) == whole


def write_journal_without_room(output: Path) -> None:
    with Path("/dev/full").open("wb") as full, open_journal(output) as journal:
        os.dup2(full.fileno(), journal.fileno())
        write_journal(journal, "a", (NOTE,))


def test_a_disk_that_is_full_is_told_with_the_journal(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No space left"):
        write_journal_without_room(tmp_path)


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "report.jsonl").mkdir()
    with pytest.raises(UserError, match=r"report\.jsonl: cannot be written"):
        write_report(tmp_path, [NOTE])


def test_files_of_one_stem_are_grouped_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/x.jpg", "a/x.SS2", "x.PNG", "y.gif", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    listing = list_pictures(tmp_path)
    assert listing.groups == {"x": ("a/x.SS2", "b/x.jpg", "x.PNG"), "y": ("y.gif",)}
    assert list(listing.ignored) == ["notes.txt"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        list_pictures(tmp_path / "none")


@pytest.mark.parametrize("name", ["report.jsonl", ".report.partial.jsonl"])
@pytest.mark.parametrize(
    "line",
    [
        b"{", b"\xff", b"[]", b"{}", b"NaN", b'{"file": 1, "status": "refused", "reason": ""}', b'{"file": "a"}',
        b'{"stem": "a"}', b'{"stem": "a", "notes": [{"file": "a"}]}', b'{"stem": [], "notes": []}', b"[" * 100_000,
        b'{"stem": "a", "notes": 3}', b'{"file": "a", "status": "refused", "reason": "", "more": "x"}',
    ],
)  # fmt: skip
def test_a_line_that_no_run_has_written_is_named(tmp_path: Path, name: str, line: bytes) -> None:
    (tmp_path / name).write_bytes(b"\n".join([line, b""]))
    with pytest.raises(UserError, match=rf"{re.escape(name)}:1: is no line of a resizing report; move that file away"):
        earlier_notes(tmp_path)
