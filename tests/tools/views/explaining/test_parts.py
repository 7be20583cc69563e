import numpy as np
import pytest

from data.item import Item
from tools.views.explaining.parts import (
    WORDS,
    with_regions_covered,
    without_attributes,
    without_title_and_words,
)


def item(title: str = "", **attributes: str) -> Item:
    return Item("1", title, {name: (value,) for name, value in attributes.items()}, "", "1.jpg")


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("木岚花瓶", ["木", "岚", "花", "瓶"]),
        ("XK-101 红色2.5L", ["XK-101", "红", "色", "2.5L"]),
        ("【新品】10*20cm，A/B-", ["新", "品", "10*20cm", "A/B"]),
        ("ABC花瓶123", ["ABC", "花", "瓶", "123"]),
        ("コーヒー 커피 𠮷", ["コ", "ー", "ヒ", "ー", "커피", "𠮷"]),
        ("!!! -- ***", []),
    ],
)
def test_words_are_runs_of_letters_and_digits_and_single_chinese_characters(title: str, words: list[str]) -> None:
    assert WORDS.findall(title) == words


def test_each_word_is_left_out_at_its_own_place_and_its_neighbours_do_not_join() -> None:
    _, *variants = without_title_and_words("source", item("A与B 瓶瓶"), most=10)
    assert [(part.name, part.place) for part, _ in variants] == [
        ("A", (0, 1)), ("与", (1, 2)), ("B", (2, 3)), ("瓶", (4, 5)), ("瓶", (5, 6)),
    ]  # fmt: skip
    assert [other.title for _, other in variants] == ["与B 瓶瓶", "A B 瓶瓶", "A与  瓶瓶", "A与B  瓶", "A与B 瓶"]


def test_no_more_words_than_the_most_are_left_out() -> None:
    variants = without_title_and_words("source", item("一二三四"), most=2)
    assert [part.name for part, _ in variants] == ["whole title", "一", "二"]


def test_an_empty_title_is_no_part() -> None:
    assert list(without_title_and_words("source", item(" # "), most=2)) == []
    assert [other.title for _, other in without_title_and_words("source", item("花"), most=2)] == ["", ""]


def test_attributes_are_left_out_in_the_model_s_order_if_it_reads_them_and_the_item_has_them() -> None:
    variants = list(
        without_attributes("target", item(品牌="木岚", 型号="x", 产地="甲"), ["型号", "系列", "品牌", "品牌#"])
    )
    assert [part.name for part, _ in variants] == ["型号", "品牌"]
    assert [list(other.attributes) for _, other in variants] == [["品牌", "产地"], ["型号", "产地"]]


@pytest.mark.parametrize(("size", "grid"), [(32, 6), (7, 7), (64, 5), (10, 1)])
def test_cells_cover_the_picture_without_gaps_and_none_is_empty(size: int, grid: int) -> None:
    picture = np.zeros((size, size, 3), np.uint8)
    picture[::2] = 200
    *cells, _ = (covered for _, covered in with_regions_covered("source", picture, grid))
    is_covered = np.stack([(cell != picture).any(axis=2) for cell in cells])
    assert len(cells) == grid**2
    assert (is_covered.sum(axis=0) == 1).all()
    assert is_covered.any(axis=(1, 2)).all()


def test_each_cell_and_then_the_whole_gets_the_mean_colour() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    variants = list(with_regions_covered("source", picture, 2))
    mean = picture.reshape(-1, 3).mean(axis=0).round()
    assert [part.place for part, _ in variants] == [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0)]
    upper_right = variants[1][1]
    assert (upper_right[:2, 2:] == mean).all()
    assert (upper_right[2:] == picture[2:]).all()
    assert (upper_right[:, :2] == picture[:, :2]).all()
    assert (variants[-1][1] == mean).all()


def test_an_attribute_whose_name_is_written_otherwise_is_left_out_too() -> None:
    listing = Item("1", "", {"品牌 ": ("a",), "型号": ("x",), "品牌": ("b",)}, "", "")
    left = [(part.name, set(other.attributes)) for part, other in without_attributes("target", listing, ["品牌"])]
    assert left == [("品牌 ", {"型号", "品牌"}), ("品牌", {"品牌 ", "型号"})]
