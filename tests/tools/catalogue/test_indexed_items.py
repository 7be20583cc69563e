import json
from pathlib import Path
from typing import Any

import pytest

from engine.disk import write_lines
from options.errors import UserError
from tools.catalogue.index_record import (
    IndexedItem,
    embedding_digest,
    read_indexed_items,
    rows_digest,
)

ROWS = [
    IndexedItem("1", "花瓶", "0011", 0),
    IndexedItem('2 \u2028 "二"', "", "2233", None),
    IndexedItem("3", "花瓶", "4455", 1),
]


def test_rows_are_read_as_they_were_written_in_their_order(tmp_path: Path) -> None:
    write_lines(tmp_path / "items.jsonl", (row._asdict() for row in ROWS))
    assert read_indexed_items(tmp_path / "items.jsonl") == ROWS


@pytest.mark.parametrize(
    "change", [{"item_id": 3}, {"category": None}, {"digest": None}, {"row": "1"}, {"row": 1.5}], ids=str
)
def test_a_line_that_is_no_row_is_refused_by_file_and_line(tmp_path: Path, change: dict[str, Any]) -> None:
    file = tmp_path / "items.jsonl"
    lines = [json.dumps(row._asdict()) for row in ROWS]
    lines[1] = json.dumps({**ROWS[1]._asdict(), **change})
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"items\.jsonl:2: is no row of an index; build it again with --rebuild"):
        read_indexed_items(file)


def test_the_digest_of_rows_is_of_their_items_and_embeddings_whether_or_not_they_are_removed_since() -> None:
    removed = [ROWS[0]._replace(row=None), *ROWS[1:]]
    assert rows_digest(removed) == rows_digest(ROWS)
    others = [ROWS[::-1], ROWS[:2], [ROWS[0]._replace(digest="0012"), *ROWS[1:]], [ROWS[0]._replace(item_id="9")]]
    assert rows_digest(ROWS) not in [rows_digest(rows) for rows in others]


def test_the_digest_of_an_embedding_changes_with_any_of_its_bytes() -> None:
    assert embedding_digest(b"\0\0\0\0") == embedding_digest(b"\0\0\0\0")
    assert len({embedding_digest(numbers) for numbers in (b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0")}) == 3
