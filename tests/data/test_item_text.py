from data.attributes import parse_attributes
from data.item import Item
from data.item_text import item_text
from data.options import TextOptions


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
