import dataclasses
import zlib

import pytest

from data.item import NOT_STATED, Item, clean_text, item_text, parse_attributes, value_digests
from data.options import ComparedAttributes, TextOptions

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


def item(title: str, item_pvs: str = "", sku_pvs: str = "") -> Item:
    return Item("1", title, parse_attributes(item_pvs, sku_pvs), "", "1.jpg")


def test_values_follow_the_title_in_the_order_of_the_options_not_of_the_file() -> None:
    text = item_text(item("#花瓶# A", "#品牌#:#B#;#型号#:#C#;#其他#:#D#", "#颜色分类#:#红#"), TextOptions().attributes)
    assert text == "花瓶 a;红;c;b"


def test_several_values_of_an_attribute_are_joined_by_commas() -> None:
    assert item_text(item("t", "#尺码#:#L#;#尺码#:#M#", "#尺码#:#S#"), ["尺码"]) == "t;l,m,s"


def test_an_item_without_attributes_is_its_title() -> None:
    assert item_text(item("Vase"), ["尺码"]) == "vase"


def test_an_empty_title_leaves_no_separator() -> None:
    assert item_text(item("##", "#尺码#:#L#"), ["品牌", "尺码"]) == "l"


def test_an_item_without_any_text_is_empty() -> None:
    assert item_text(item(""), ["尺码"]) == ""


def test_the_names_in_the_options_are_cleaned_like_those_in_the_file() -> None:
    assert item_text(item("t", "#ＳＩＺＥ#:#L#"), ["Size"]) == "t;l"


def stating(title: str = "", **attributes: tuple[str, ...]) -> Item:
    return Item("1", title, attributes, "", "1.jpg")


def test_a_digest_is_the_crc_of_the_values_and_absent_attributes_have_none() -> None:
    compared = ComparedAttributes(("品牌", "color"))
    assert value_digests(stating(品牌=("某某",)), compared) == [zlib.crc32("某某".encode()), NOT_STATED]


def test_equal_values_in_another_order_have_one_digest_and_other_values_another() -> None:
    compared = ComparedAttributes(("size",))
    digests = [value_digests(stating(size=size), compared) for size in (("s", "m"), ("m", "s"), ("m",), ("ms",))]
    assert digests[0] == digests[1]
    assert len({*map(tuple, digests)}) == 3


def test_names_are_cleaned_as_those_of_items_are() -> None:
    assert value_digests(stating(color=("red",)), ComparedAttributes(("#Ｃolor#",))) == [zlib.crc32(b"red")]


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
    assert value_digests(stating(title), compared) == [expected]


def test_values_that_are_empty_once_cleaned_are_found_nowhere() -> None:
    for values in (("#", "", "red"), ("#",)):
        assert value_digests(stating("blue"), ComparedAttributes(("color",), {"color": values})) == [NOT_STATED]


def test_any_text_that_an_item_file_may_hold_has_a_digest() -> None:
    compared = ComparedAttributes(("color",), {"color": ("\ud800",)})
    assert (
        value_digests(stating(color=("\ud800",)), compared)
        == value_digests(stating("a \ud800"), compared)
        != [NOT_STATED]
    )


def test_what_an_item_states_counts_before_its_title() -> None:
    compared = ComparedAttributes(("color", "size"), {"color": ("red", "blue")})
    assert value_digests(stating("red s", color=("blue",)), compared) == [zlib.crc32(b"blue"), NOT_STATED]


def test_hash_signs_go_and_letters_become_lower_case_and_half_width() -> None:
    assert clean_text("#ＸＫ－１０１# Ⅻ ℃") == "xk-101 xii °C"


def test_lower_case_comes_before_normalisation() -> None:
    # ℃ has no lower case of its own; normalising first would give c.
    assert clean_text("25℃") == "25°C"


def test_values_of_both_notations_are_collected_by_name() -> None:
    assert parse_attributes("#品牌#:#某某#;#型号#:#XK-101#;", "#颜色分类#:#红#;") == {
        "品牌": ("某某",),
        "型号": ("xk-101",),
        "颜色分类": ("红",),
    }


def test_full_width_separators_separate_after_normalisation() -> None:
    assert parse_attributes("#品牌#：#某某#；#型号#:#A#", "") == {"品牌": ("某某",), "型号": ("a",)}


def test_the_first_colon_separates_and_further_ones_belong_to_the_value() -> None:
    assert parse_attributes("#比例#:#1:64#", "") == {"比例": ("1:64",)}


def test_values_of_a_repeated_name_are_distinct_in_order_of_first_appearance_across_both_notations() -> None:
    attributes = parse_attributes("#色#:#蓝#;#色#:#红#;#色#:#蓝#", "#色#:#绿#;#色#:#红#")
    assert attributes == {"色": ("蓝", "红", "绿")}


def test_values_that_are_equal_once_cleaned_count_once() -> None:
    assert parse_attributes("#型号#:#ＡＢ#;#型号#:#ab#", "") == {"型号": ("ab",)}


def test_empty_values_and_parts_without_a_colon_are_left_out() -> None:
    assert parse_attributes("#品牌#:##;无冒号;;#型号#:#x#", ";") == {"型号": ("x",)}


def test_nothing_gives_no_attributes() -> None:
    assert parse_attributes("", "") == {}
