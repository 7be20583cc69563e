from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.json_record import read_json
from options.errors import UserError


@dataclass(frozen=True)
class Record:
    number: int


def test_a_record_is_read_as_it_was_written_and_none_where_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"number": 3}', encoding="utf-8")
    assert read_json(tmp_path / "a.json", Record, "") == Record(3)
    assert read_json(tmp_path / "b.json", Record, "") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"number": "three"}', "{}"])
def test_a_damaged_record_is_told_with_its_file_and_the_advice(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.json: is damaged: .*; make it again$"):
        read_json(file, Record, "make it again")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_json(tmp_path, Record, "")
