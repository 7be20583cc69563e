import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.compared_text import attribute_name
from data.item import Item, item_text, parse_attributes
from data.options import ComparedAttributes
from data.stated_values import NOT_STATED, stated_values, value_digests


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
    expected = NOT_STATED if found is None else zlib.crc32(found.replace(" ", "").encode())
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


def digest(item: Item, name: str = "规格", in_title: tuple[str, ...] = ()) -> int:
    return value_digests(item, ComparedAttributes((name,), {name: in_title} if in_title else {}))[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("红色", "红色 "),
        ("红色", "\u3000红\u200b色"),
        ("32㎇", "32GB"),
        ("32 gb", "32GB"),
        ("XK\u2011101", "XK-101"),
        ("XK—101", "xk－101"),
        ("红,蓝", "蓝,红"),
        ("红，蓝", "蓝、红"),
        ("红 | 蓝", "蓝/红"),
        ("红,蓝,红", "蓝,红"),
        ("S/M/L", "L, M, S"),
        ("36,37,38", "38,37,36"),
        ("110,120", "120，110"),
        ("other/其他", "其他/other"),
        ("3/4 sleeve/crew", "Crew/3/4 Sleeve"),
        ("1,500ml", "1500ml"),
        ("１，５００ｍｌ", "1500 ML"),
        ("1'500ml", "1500ml"),
        ("100,000h", "100000 H"),
        ("1\u202f500ml", "1500ml"),
        ("1,500, 2,000", "2000, 1500"),
        ("12,5 L", "12.5L"),
        ("30x40cm", "30 × 40 cm"),
        ("30*40cm", "30 X 40cm"),
        ("5～10", "5 ~ 10"),
    ],
)
def test_values_that_say_the_same_agree_and_are_read_by_encoders_as_published(one: str, other: str) -> None:
    items = [Item("1", "花瓶", parse_attributes(f"#规格#:#{value}#;", ""), "", "1.jpg") for value in (one, other)]
    assert digest(items[0]) == digest(items[1]) != NOT_STATED
    for item in items:
        assert item_text(item, ["规格"]) == ";".join(["花瓶", *item.attributes["规格"]])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("红", "蓝"),
        ("红,蓝", "红"),
        ("1/2", "2/1"),
        ("1/1", "1"),
        ("XK-101", "XK101"),
        ("1,500ml", "500ml"),
        ("1.5", "15"),
        ("1.10", "1.1"),
        ("12.5L", "5L"),
        ("36,37", "36.37"),
        ("-5", "5"),
    ],
)
def test_values_that_say_something_else_contradict(one: str, other: str) -> None:
    assert NOT_STATED != digest(stating(规格=(one,))) != digest(stating(规格=(other,))) != NOT_STATED


@pytest.mark.parametrize("values", [(" ",), ("\u3000", "\u200b"), ("/",), (" , ",), ()])
def test_values_of_nothing_that_is_seen_state_nothing(values: tuple[str, ...]) -> None:
    assert digest(stating(规格=values)) == NOT_STATED
    assert digest(stating("红", 规格=values), in_title=("红",)) == digest(stating(规格=("红",)))


@pytest.mark.parametrize("name", ["品牌 ", " 品\u200b牌", "#品牌#", "＃品牌＃"])
def test_names_that_say_the_same_are_one_attribute(name: str) -> None:
    item = Item("1", "", {name: ("木岚",)}, "", "1.jpg")
    assert digest(item, "品牌") == digest(Item("1", "", {"品牌": ("木岚",)}, "", "1.jpg"), name) != NOT_STATED


def test_values_under_names_of_one_form_are_one_set() -> None:
    item = Item("1", "", {"Wi-Fi": ("a",), "wi—fi ": ("b", "a")}, "", "1.jpg")
    assert digest(item, "wi\u2011fi") == digest(stating(规格=("b,a",)))


@given(values=st.lists(st.text("红蓝aB1 ,、/|;-－\u200b'.x*~", max_size=8), max_size=4), order=st.randoms())
def test_neither_order_nor_repetition_nor_a_second_reading_changes_values(values: list[str], order: object) -> None:
    forms = stated_values(tuple(values))
    assert stated_values(tuple(reversed(values * 2))) == forms
    assert stated_values(forms) == forms
    assert stated_values((",".join(values[::-1]),)) == forms or any(value[:1].isdigit() for value in values)


EXPRESSIONS = [
    "12.5L", "12.5 L", "１２．５Ｌ", "1,500ml", "1，500ml", "1'500ml", "1’500ml", "1\u2009500ml", "12,5L", "10.500kg",
    "1.5-2L", "1.5L-2L", "1.5—2L", "1.5~2L", "1.5 ～ 2L", "1.5至2L", "5升到10升", "5升-10升", "2*500ml", "2x500ml",
    "2 X 500ml", "2×500ml", "500ml*2", "500ml × 12", "30*40*50cm", "v1.2.3", "V2.0.10", "1/2", "1½", "1:64", "12。5L",
    "12·5L", "1,234,567", "3.5mm", "5 L",
]  # fmt: skip
AROUND = ["{}", "水壶 {} 大号", "水壶{}大号", "Jug, {}.", "({})", "红,{},蓝"]


def parts_of(expression: str) -> set[str]:
    """Every part from a digit to a letter or digit that has its unit, if any, and single letters."""
    places = itertools.combinations(range(len(expression) + 1), 2)
    parts = {expression[start:end] for start, end in places if expression[end : end + 1] not in {*" 升"}} - {expression}
    begun = {part for part in parts if part[0].isdecimal() and part[-1].isalnum() and not {*part} & {*"至到"}}
    return begun | ({"L", "Ｌ"} & parts)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_title_states_a_number_as_a_whole_and_none_of_its_parts(expression: str) -> None:
    whole = digest(stating(规格=(expression,)))
    for around in AROUND:
        assert digest(stating(around.format(expression)), in_title=(expression,)) == whole != NOT_STATED
    for part, around in zip(sorted(parts_of(expression)), itertools.cycle(AROUND), strict=False):
        assert digest(stating(around.format(expression)), in_title=(part,)) in (NOT_STATED, whole), (part, around)


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("水壶5L。", "5L"),
        ("水壶 3、5L", "5L"),
        ("iPhone 13 128GB", "128gb"),
        ("iPhone 13 - 128GB - Blue", "128 GB"),
        ("Bottle-2L", "2L"),
        ("XK-101", "101"),
        ("No.5", "5"),
        ("32gb红色", "红色"),
        ("Size L", "L"),
        ("Light  Blue shirt", "light blue"),
        ("LightBlue shirt", "light blue"),
        ("XK\u2011101 花瓶", "xk-101"),
        ("#红色#", "红色"),
    ],
)
def test_a_title_states_what_stands_alone_in_it(title: str, value: str) -> None:
    assert digest(stating(title), in_title=(value,)) == digest(stating(规格=(value,))) != NOT_STATED


@pytest.mark.parametrize(
    ("title", "value"), [("men's shirt", "S"), ("5 L jug", "l"), ("about .5L", "5L"), ("-5℃", "5℃")]
)
def test_a_title_does_not_state_what_is_a_part_of_something_else(title: str, value: str) -> None:
    assert digest(stating(title), in_title=(value,)) == NOT_STATED


def test_the_form_of_a_name_is_its_own_form() -> None:
    assert attribute_name(attribute_name("＃Wi—Fi ＃")) == "wi-fi" == attribute_name("wi-fi")
