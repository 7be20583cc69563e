import dataclasses

import pytest

from data.item import Item

ITEM = Item("a", "花瓶", {"品牌": ("木岚",), "型号": ("x", "y")}, "花瓶", "a.jpg")


def test_an_item_under_another_id_has_the_same_content() -> None:
    twin = dataclasses.replace(ITEM, item_id="b", attributes={"品牌": ("木岚",), "型号": ("x", "y")})
    assert twin.content == ITEM.content
    assert hash(twin.content) == hash(ITEM.content)
    assert twin != ITEM


@pytest.mark.parametrize(
    "change",
    [{"title": "茶杯"}, {"attributes": {"品牌": ("木岚",)}}, {"category": "茶杯"}, {"image": "b.jpg"}],
)
def test_any_other_difference_is_a_difference_of_content(change: dict[str, object]) -> None:
    assert dataclasses.replace(ITEM, **change).content != ITEM.content  # type: ignore[arg-type]
