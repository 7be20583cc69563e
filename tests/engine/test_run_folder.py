import json
from pathlib import Path

import pytest

from engine.run_folder import RunFolder, run_folder, write_json, write_text


def test_the_names_in_a_run_folder_are_distinct_and_inside_it() -> None:
    folder = run_folder("63")
    assert folder.root == Path("experiments/63")
    properties = [name for name, value in vars(RunFolder).items() if isinstance(value, property)]
    paths = [getattr(folder, name) for name in properties]
    assert len(set(paths)) == len(paths) >= 10
    assert all(path.parent == folder.root for path in paths)


def test_a_file_is_written_with_its_folder_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a/b/c.txt"
    for text in ("花瓶\n", "杯"):
        write_text(file, text)
        assert file.read_text(encoding="utf-8") == text
    assert [path.name for path in file.parent.iterdir()] == ["c.txt"]


def test_a_failed_write_leaves_the_former_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "c.txt"
    write_text(file, "former")
    with pytest.raises(UnicodeEncodeError):
        write_text(file, "half a character: \ud83d")
    assert file.read_text() == "former"
    write_text(file, "later")
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]


def test_json_is_readable_by_people_and_programs(tmp_path: Path) -> None:
    content = {"f1": 0.1 + 0.2, "items": ["花瓶"], "none": None}
    write_json(tmp_path / "c.json", content)
    text = (tmp_path / "c.json").read_text(encoding="utf-8")
    assert json.loads(text) == content
    assert "花瓶" in text
    assert text.endswith("}\n")


def test_json_that_cannot_be_written_leaves_the_former_file_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "c.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "c.json", {"a": object()})
    assert json.loads((tmp_path / "c.json").read_text()) == {"a": 1}
