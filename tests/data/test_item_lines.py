import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.item import Item, parse_attributes
from data.item_catalog import ItemFields, item_fields, pack_fields, pack_item, packed_start, unpack_id, unpack_item
from data.jsonl import DataError

FILE = Path("items.jsonl")
RECORD = {"item_id": "a", "item_image_name": "a.jpg"}
ANY_TEXT = st.text(st.characters(categories=None), max_size=12)
WHOLE_TEXT = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from('#:;"\\\0'), max_size=20)
FIELDS = st.builds(ItemFields, *[WHOLE_TEXT] * 6)
ITEMS = st.builds(
    Item,
    item_id=ANY_TEXT | st.text(st.sampled_from('a",\\'), max_size=4),
    title=ANY_TEXT,
    attributes=st.dictionaries(ANY_TEXT, st.lists(ANY_TEXT, max_size=3).map(tuple), max_size=3),
    category=ANY_TEXT,
    image=ANY_TEXT,
)


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


@given(item=ITEMS)
def test_any_item_comes_back_as_it_was(item: Item) -> None:
    unpacked = unpack_item(pack_item(item))
    assert unpacked == item
    assert list(unpacked.attributes) == list(item.attributes)
    assert unpack_id(pack_item(item)) == item.item_id


@given(item=ITEMS, item_id=ANY_TEXT | st.text(st.sampled_from('a",\\'), max_size=4))
def test_an_item_starts_as_its_id_does_alone(item: Item, item_id: str) -> None:
    packed = pack_item(item)
    assert packed.startswith(packed_start(item.item_id))
    assert packed.startswith(packed_start(item_id)) == (item.item_id == item_id)


@given(fields=FIELDS)
def test_the_item_of_any_fields_comes_back(fields: ItemFields) -> None:
    assert unpack_item(pack_fields(fields)) == fields.item()
    assert unpack_id(pack_fields(fields)) == fields.item_id


@given(fields=FIELDS, ensure_ascii=st.booleans())
def test_it_takes_no_more_bytes_than_the_line(fields: ItemFields, ensure_ascii: bool) -> None:
    keys = ("item_id", "title", "item_pvs", "sku_pvs", "cate_name", "item_image_name")
    record = {key: value for key, value in zip(keys, fields, strict=True) if value or key.startswith("item_i")}
    line = json.dumps(record, ensure_ascii=ensure_ascii, separators=(",", ":"))
    assert len(pack_fields(fields)) < len(line.encode())


@pytest.mark.parametrize("name", ["品牌", "0"])
def test_attributes_that_no_line_would_give_are_kept(name: str) -> None:
    item = Item("a", "", {name: ("#Ａ;", "")}, "", "a.jpg")
    assert unpack_item(pack_item(item)) == item
