import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.item import Item
from data.item_fields import ItemFields
from data.packed_item import pack_fields, pack_item, packed_start, unpack_id, unpack_item

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
