from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.attributes import parse_attributes
from data.item import Item
from data.item_fields import ItemFields, item_fields
from data.jsonl import DataError

FILE = Path("items.jsonl")
RECORD = {"item_id": "a", "item_image_name": "a.jpg"}


def test_fields_are_the_texts_of_a_line_and_make_its_item() -> None:
    record = {**RECORD, "title": "Ａ", "item_pvs": "#品牌#:#Ｘ#;", "sku_pvs": None, "cate_name": "家居", "other": [1]}
    fields = item_fields(FILE, 1, record)
    assert fields == ItemFields("a", "Ａ", "#品牌#:#Ｘ#;", "", "家居", "a.jpg")
    assert fields.item() == Item("a", "Ａ", parse_attributes("#品牌#:#Ｘ#;", ""), "家居", "a.jpg")


@given(name=st.text(st.sampled_from("a.花/\\\0\n"), min_size=1, max_size=5))
def test_an_image_is_named_by_a_file_name_alone(name: str) -> None:
    is_plain = PurePosixPath(name).name == name and name != ".." and not {"\\", "\0"} & set(name)
    record = {**RECORD, "item_image_name": name}
    if is_plain:
        assert item_fields(FILE, 3, record).image == name
    else:
        with pytest.raises(
            DataError, match=r"^items\.jsonl:3: 'item_image_name' should be a file name without a folder: "
        ):
            item_fields(FILE, 3, record)


@pytest.mark.parametrize(("name", "is_good"), [("花" * 85, True), ("花" * 85 + "a", False), ("a" * 256, False)])
def test_a_file_name_has_at_most_255_bytes(name: str, is_good: bool) -> None:
    if is_good:
        assert item_fields(FILE, 1, {**RECORD, "item_image_name": name}).image == name
    else:
        with pytest.raises(DataError, match="longer than a file name can be"):
            item_fields(FILE, 1, {**RECORD, "item_image_name": name})


def test_the_first_wrong_field_is_named_in_one_order() -> None:
    wrong = {"item_id": "a", "item_image_name": 1, "cate_name": 2, "sku_pvs": 3, "item_pvs": 4, "title": 5}
    for key in ("title", "item_pvs", "sku_pvs", "cate_name", "item_image_name"):
        with pytest.raises(DataError, match=f"'{key}' should be a string"):
            item_fields(FILE, 1, wrong)
        wrong[key] = "text"
