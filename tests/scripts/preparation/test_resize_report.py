from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.preparation.resize_report import earlier_notes, open_journal, write_journal
from scripts.preparation.resize_task import FileNote

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
    open_journal(tmp_path).close()
    assert min(sizes) == whole
