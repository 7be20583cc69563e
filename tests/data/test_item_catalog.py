import json
import re
from pathlib import Path

import pytest

from data.item import Item
from data.item_catalog import read_items
from data.jsonl import DataError
from tests.tiny_data import write_lines

LINE = {"item_id": "a", "item_image_name": "a.jpg"}


def test_an_item_has_its_text_attributes_category_and_image(tmp_path: Path) -> None:
    line = {**LINE, "title": "花瓶", "cate_name": "家居", "item_pvs": "#品牌#:#X#", "sku_pvs": None}
    (item,) = read_items(write_lines(tmp_path / "items.jsonl", [line]))
    assert item == Item("a", "花瓶", {"品牌": ("x",)}, "家居", "a.jpg")


def test_missing_text_is_empty(tmp_path: Path) -> None:
    (item,) = read_items(write_lines(tmp_path / "items.jsonl", [LINE]))
    assert item == Item("a", "", {}, "", "a.jpg")


def test_items_keep_the_order_of_the_file_and_are_found_by_id(tmp_path: Path) -> None:
    lines = [{**LINE, "item_id": item_id} for item_id in ("c", "a", "b")]
    catalog = read_items(write_lines(tmp_path / "items.jsonl", lines))
    assert [item.item_id for item in catalog] == ["c", "a", "b"]
    assert [catalog.row(item_id) for item_id in ("c", "a", "b", "d")] == [0, 1, 2, None]
    assert catalog[2].item_id == "b"
    assert len(catalog) == 3


def test_a_repeated_id_names_both_lines(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "items.jsonl", [LINE, {**LINE, "item_id": "b"}, LINE])
    with pytest.raises(DataError, match=f"^{re.escape(str(file))}:3: item 'a' was already on line 1$"):
        read_items(file)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_items_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(content)
    with pytest.raises(DataError, match=r"items\.jsonl: has no items"):
        read_items(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_id": 5}, "'item_id' should be a string, not 5"),
        ({"item_id": ["a"]}, "'item_id' should be a string"),
        ({"item_id": ""}, "'item_id' is empty"),
        ({"item_id": "\ud800"}, "'item_id' has half a character"),
        ({"item_image_name": None}, "has no 'item_image_name'"),
        ({"item_image_name": ""}, "'item_image_name' is empty"),
        ({"item_image_name": "../a.jpg"}, "a file name without a folder"),
        ({"item_image_name": "/etc/passwd"}, "a file name without a folder"),
        ({"item_image_name": "..\\a.jpg"}, "a file name without a folder"),
        ({"item_image_name": "."}, "a file name without a folder"),
        ({"item_image_name": ".."}, "a file name without a folder"),
        ({"item_image_name": "a\0.jpg"}, "a file name without a folder"),
        ({"item_image_name": "花" * 86}, "longer than a file name can be"),
        ({"title": 5}, "'title' should be a string, not 5"),
        ({"sku_pvs": {}}, "'sku_pvs' should be a string"),
    ],
)
def test_a_faulty_field_names_file_line_and_key(tmp_path: Path, change: dict[str, object], message: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("\n" + json.dumps({**LINE, **change}) + "\n")
    with pytest.raises(DataError, match=f"^{re.escape(str(file))}:2: .*{message}"):
        read_items(file)
