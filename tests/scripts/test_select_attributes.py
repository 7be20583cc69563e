import sys
from pathlib import Path

import pytest

from scripts.select_attributes import main
from tests.tiny_data import write_lines


def run(monkeypatch: pytest.MonkeyPatch, *arguments: Path | str) -> None:
    monkeypatch.setattr(sys, "argv", ["select_attributes.py", *map(str, arguments)])
    main()


@pytest.fixture
def items(tmp_path: Path) -> Path:
    write_lines(tmp_path / "items.jsonl", [{"item_id": "1", "item_pvs": "#品牌#:#a#;#型号#:#b#;"}])
    return tmp_path / "items.jsonl"


def test_the_list_is_written_to_a_folder_that_is_made(
    items: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, items, "--output", tmp_path / "new" / "a.yml")
    assert (tmp_path / "new" / "a.yml").read_text("utf-8") == 'attributes: ["品牌", "型号"]\n'


def test_a_file_that_cannot_be_written_ends_with_status_2(
    items: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, items, "--output", items / "a.yml")
    assert ended.value.code == 2
    assert "a.yml: cannot be written" in capsys.readouterr().err
