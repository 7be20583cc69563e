import json

import numpy as np

from data.item import Item
from tests.tools.views.reporting.synthetic import invented_report
from tools.views.reporting.gallery import (
    attribute_rows,
    choose_gallery,
    gallery_rows,
    pair_records,
    rounded,
    title_segments,
)

DATA = invented_report(num_pairs=400)


def item(title: str = "", **attributes: str) -> Item:
    return Item("a", title, {name: (value,) for name, value in attributes.items()}, "", "a.jpg")


def test_errors_are_wrong_and_the_most_confident_come_first() -> None:
    errors = choose_gallery(DATA, 5)["errors"]
    distance = np.abs(DATA.pairs.margin - 0.25)
    assert not DATA.is_right[errors].any()
    assert distance[errors].tolist() == sorted(distance[~DATA.is_right], reverse=True)[:5]


def test_uncertain_pairs_are_those_nearest_to_the_threshold() -> None:
    uncertain = choose_gallery(DATA, 5)["uncertain"]
    distance = np.abs(DATA.pairs.margin - 0.25)
    assert distance[uncertain].tolist() == sorted(distance)[:5]


def test_correct_pairs_are_right_and_reach_from_the_highest_margin_to_the_lowest() -> None:
    correct = choose_gallery(DATA, 5)["correct"]
    margins = DATA.pairs.margin[DATA.is_right]
    assert len(set(correct)) == 5
    assert DATA.is_right[correct].all()
    assert (DATA.pairs.margin[correct[0]], DATA.pairs.margin[correct[-1]]) == (margins.max(), margins.min())


def test_a_gallery_larger_than_the_pairs_holds_each_once() -> None:
    gallery = choose_gallery(DATA, 1000)
    assert sorted([*gallery["errors"], *gallery["correct"]]) == list(range(400)) == gallery_rows(gallery)


def test_attributes_that_differ_come_first_and_absent_ones_are_empty() -> None:
    rows = attribute_rows(item(brand="x", colour="red"), item(brand="x", colour="blue", size="5"))
    assert rows == [
        ("colour", "red", "blue", True),
        ("size", "", "5", True),
        ("brand", "x", "x", False),
    ]


def test_values_that_say_the_same_do_not_differ() -> None:
    ((*_, differs),) = attribute_rows(item(colour="红, 蓝 "), item(colour="蓝、红"))
    assert not differs


def test_values_that_differ_after_the_cut_still_differ() -> None:
    ((_, source, target, differs),) = attribute_rows(item(note="x" * 500 + "a"), item(note="x" * 500 + "b"))
    assert source == target
    assert differs


def test_titles_are_marked_where_they_differ_by_word_and_by_chinese_character() -> None:
    source, target = title_segments("XK-101 红花瓶", "XK-102 蓝花瓶")
    assert source == [("XK-", False), ("101", True), (" ", False), ("红", True), ("花瓶", False)]
    assert [part for part, differs in target if differs] == ["102", "蓝"]


def test_the_parts_of_a_title_are_the_title() -> None:
    source, target = title_segments("a b  c\n d", "")
    assert "".join(part for part, _ in source) == "a b c d"
    assert target == []


def test_every_pair_has_its_label_its_decision_and_its_scores() -> None:
    data = invented_report(kinds=tuple("ab"[pair % 2] for pair in range(80)))
    records = json.loads(json.dumps(pair_records(data, choose_gallery(data, 4), {0: "data:,"})))
    pairs = records["pairs"]
    assert [label == "1" for label in pairs["same"]] == data.pairs.same.tolist()
    assert [label == "1" for label in pairs["decided"]] == (data.pairs.margin > 0.25).tolist()
    np.testing.assert_allclose(pairs["match"], data.pairs.match, rtol=1e-4)
    np.testing.assert_allclose(pairs["margin"], data.pairs.margin, rtol=1e-4)
    assert [records["kinds"][kind] for kind in pairs["kind"]] == list(data.kinds or ())
    categories = [records["categories"][place] for place in records["items"]["category"]]
    assert categories == [item.category for item in data.catalog]
    assert records["pictures"] == {"0": "data:,"}


def test_every_pair_of_a_group_has_a_card() -> None:
    data = invented_report()
    records = pair_records(data, choose_gallery(data, 4), {})
    groups, cards = records["groups"], records["cards"]
    assert isinstance(groups, dict)
    assert isinstance(cards, dict)
    assert {row for rows in groups.values() for row in rows} == set(cards)


def test_scores_keep_five_digits() -> None:
    assert rounded(np.array([1.2345678, -123456.7, 1e-9])) == [1.2346, -123460.0, 1e-9]
