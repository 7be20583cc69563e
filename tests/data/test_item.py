import dataclasses

import pytest

from data.item import Item, clean_text, item_text, names_read, parse_attributes
from data.options import TextOptions

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


def test_all_reads_every_value_in_the_items_own_order() -> None:
    text = item_text(item("T", "#b#:#2#;#a#:#1#;#b#:#3#;", "#c#:#4#;"), "all")
    assert text == "t;2,3;1;4"
    assert item_text(item("", "#b#:#2#;"), "all") == "2"
    assert item_text(item("T"), "all") == "t"
    assert list(names_read(item("T", "#b#:#2#;#a#:#1#;"), "all")) == ["b", "a"]
    assert list(names_read(item("T", "#b#:#2#;"), ["x", "b"])) == ["x", "b"]
