import numpy as np

from data.item import Item
from tests.tools.views.reporting.synthetic import invented_report
from tools.views.reporting.gallery import attribute_rows, choose_gallery, shown, title_segments

DATA = invented_report(num_pairs=400)


def item(title: str = "", **attributes: str) -> Item:
    return Item("a", title, {name: (value,) for name, value in attributes.items()}, "", "a.jpg")


def test_errors_are_wrong_and_the_most_confident_come_first() -> None:
    errors = choose_gallery(DATA, 5).errors
    distance = np.abs(DATA.pairs.margin - 0.25)
    assert not DATA.is_right[errors].any()
    assert distance[errors].tolist() == sorted(distance[~DATA.is_right], reverse=True)[:5]


def test_uncertain_pairs_are_those_nearest_to_the_threshold() -> None:
    uncertain = choose_gallery(DATA, 5).uncertain
    distance = np.abs(DATA.pairs.margin - 0.25)
    assert distance[uncertain].tolist() == sorted(distance)[:5]


def test_correct_pairs_are_right_and_reach_from_the_highest_margin_to_the_lowest() -> None:
    correct = choose_gallery(DATA, 5).correct
    margins = DATA.pairs.margin[DATA.is_right]
    assert len(set(correct.tolist())) == 5
    assert DATA.is_right[correct].all()
    assert (DATA.pairs.margin[correct[0]], DATA.pairs.margin[correct[-1]]) == (margins.max(), margins.min())


def test_a_gallery_larger_than_the_pairs_holds_each_once() -> None:
    gallery = choose_gallery(DATA, 1000)
    assert sorted([*gallery.errors, *gallery.correct]) == list(range(400)) == gallery.rows()


def test_attributes_that_differ_come_first_and_absent_ones_are_empty() -> None:
    rows = attribute_rows(item(brand="x", colour="red"), item(brand="x", colour="blue", size="5"))
    assert [(row.name, row.source, row.target, row.differs) for row in rows] == [
        ("colour", "red", "blue", True),
        ("size", "", "5", True),
        ("brand", "x", "x", False),
    ]


def test_values_that_differ_after_the_cut_still_differ() -> None:
    (row,) = attribute_rows(item(note="x" * 500 + "a"), item(note="x" * 500 + "b"))
    assert row.source == row.target
    assert row.differs


def test_titles_are_marked_where_they_differ_by_word_and_by_chinese_character() -> None:
    source, target = title_segments("XK-101 红花瓶", "XK-102 蓝花瓶")
    assert source == [("XK-", False), ("101", True), (" ", False), ("红", True), ("花瓶", False)]
    assert [part for part, differs in target if differs] == ["102", "蓝"]


def test_the_parts_of_a_title_are_the_title() -> None:
    source, target = title_segments("a b  c\n d", "")
    assert "".join(part for part, _ in source) == "a b c d"
    assert target == []


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shown("ab\ncd", 5) == "ab cd"
    assert shown("abcdefgh", 5) == "abcd…"
