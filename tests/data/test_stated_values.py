import zlib

import pytest

from data.item import Item
from data.options import ComparedAttributes
from data.stated_values import NOT_STATED, value_digests


def item(title: str = "", **attributes: tuple[str, ...]) -> Item:
    return Item("1", title, attributes, "", "1.jpg")


def test_a_digest_is_the_crc_of_the_values_and_absent_attributes_have_none() -> None:
    compared = ComparedAttributes(("品牌", "color"))
    assert value_digests(item(品牌=("某某",)), compared) == [zlib.crc32("某某".encode()), NOT_STATED]


def test_equal_values_in_another_order_have_one_digest_and_other_values_another() -> None:
    compared = ComparedAttributes(("size",))
    digests = [value_digests(item(size=size), compared) for size in (("s", "m"), ("m", "s"), ("m",), ("ms",))]
    assert digests[0] == digests[1]
    assert len({*map(tuple, digests)}) == 3


def test_names_are_cleaned_as_those_of_items_are() -> None:
    assert value_digests(item(color=("red",)), ComparedAttributes(("#Ｃolor#",))) == [zlib.crc32(b"red")]


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Apollo Short-Black", "black"),
        ("BLACK short, black belt", "black"),
        ("blackberry jam", None),
        ("black and blue short", None),
        ("dark blue short", "dark blue"),
        ("short", None),
        ("深红色连衣裙", "红色"),
        ("x1l juice", None),
        ("1L juice", "1l"),
        ("a+ battery", "a+"),
    ],
)
def test_a_title_states_what_an_item_leaves_out_if_it_has_just_one_value(title: str, found: str | None) -> None:
    values = ("black", "Blue", "dark blue", "红色", "1l", "a+")
    compared = ComparedAttributes(("color",), {"color": values})
    expected = NOT_STATED if found is None else zlib.crc32(found.encode())
    assert value_digests(item(title), compared) == [expected]


def test_values_that_are_empty_once_cleaned_are_found_nowhere() -> None:
    for values in (("#", "", "red"), ("#",)):
        assert value_digests(item("blue"), ComparedAttributes(("color",), {"color": values})) == [NOT_STATED]


def test_any_text_that_an_item_file_may_hold_has_a_digest() -> None:
    compared = ComparedAttributes(("color",), {"color": ("\ud800",)})
    assert value_digests(item(color=("\ud800",)), compared) == value_digests(item("a \ud800"), compared) != [NOT_STATED]


def test_what_an_item_states_counts_before_its_title() -> None:
    compared = ComparedAttributes(("color", "size"), {"color": ("red", "blue")})
    assert value_digests(item("red s", color=("blue",)), compared) == [zlib.crc32(b"blue"), NOT_STATED]
