"""Listings of equal text and picture are one product in every command, whatever their margin."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.image_store import GivenImages, open_images_of_any_size
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors
from data.options import ImageOptions
from engine.decision_rule import DecisionRule
from tests.tiny_data import write_lines
from tests.tiny_embeddings import margins, numbers, write_embeddings
from tools.catalogue.duplicate_groups import find_duplicates
from tools.catalogue.equal_content import content_digests, first_of_equal
from tools.catalogue.index_folder import CatalogueIndex, open_index
from tools.catalogue.index_sync import IndexChoice, synchronise
from tools.catalogue.mining import MiningSettings, mine
from tools.catalogue.search import judged, neighbours_of

VASE = Item("a", "青花 花瓶", {"颜色": ("蓝",)}, "花瓶", "a.png")
IMAGE = ImageOptions(size=8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
CONTENTS = ["", "x", "", "y", "x", "x", "", "y", "", ""]
"""Of ten items: 1, 4 and 5 are equal, and 3 and 7."""


def are_equal(one: Item, other: Item, folder: Path, image: ImageOptions | None = IMAGE) -> bool:
    tensors = ItemTensors(ItemCatalog([one, other]), None, open_images_of_any_size(folder), image)
    digests = list(content_digests(tensors, ["颜色"]))
    return first_of_equal(digests).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "equal"),
    [
        ({}, True),
        ({"title": " 青花 \u3000花瓶"}, True),
        ({"category": "水杯"}, True),
        ({"image": "same.png"}, True),
        ({"attributes": {"颜色": ("蓝",), "品牌": ("木岚",)}}, True),
        ({"title": "青花花瓶B"}, False),
        ({"attributes": {"颜色": ("红",)}}, False),
        ({"image": "other.png"}, False),
    ],
    ids=str,
)
def test_listings_are_equal_by_their_text_as_encoded_and_by_what_their_picture_holds(
    change: dict[str, object], equal: bool, tmp_path: Path
) -> None:
    for name, content in (("a.png", b"1"), ("same.png", b"1"), ("other.png", b"2")):
        (tmp_path / name).write_bytes(content)
    assert are_equal(VASE, replace(VASE, item_id="b", **change), tmp_path) is equal


def test_pictures_make_no_difference_where_none_are_read_and_missing_ones_are_equal_to_none(tmp_path: Path) -> None:
    other = replace(VASE, item_id="b")
    assert are_equal(VASE, replace(other, image="b.png"), tmp_path, None)
    assert not are_equal(VASE, other, tmp_path)


def packed() -> np.ndarray:
    """Ten embeddings; equal items have equal ones, of little margin with themselves."""
    drawn = numbers(10) / 10
    drawn[[4, 5]], drawn[7] = drawn[1], drawn[3]
    return drawn


@pytest.fixture
def index(tmp_path: Path) -> CatalogueIndex:
    synchronise(write_embeddings(tmp_path / "e", packed(), contents=CONTENTS), tmp_path / "i", IndexChoice())
    return open_index(tmp_path / "i")


def groups(index: CatalogueIndex, threshold: float, out: Path, within: bool = False) -> list[list[int]]:
    found, figures = find_duplicates(index, DecisionRule(threshold), out, within, None)
    assert figures["items equal to an earlier one"] == 3
    assert found.medoid_margins().keys() == {
        row for group in found.groups for row in group.members if row != group.medoid
    }
    return [list(group.members) for group in found.groups]


def test_equal_listings_are_one_group_above_their_own_margin(index: CatalogueIndex, tmp_path: Path) -> None:
    assert groups(index, 1000.0, tmp_path / "out") == [[1, 4, 5], [3, 7]]
    pairs = [json.loads(line) for line in (tmp_path / "out" / "pairs.jsonl").read_text().splitlines()]
    expected = margins(packed(), packed())
    assert [(pair["src_item_id"], pair["tgt_item_id"]) for pair in pairs] == [
        ("item1", "item4"), ("item1", "item5"), ("item3", "item7")
    ]  # fmt: skip
    assert [pair["margin"] for pair in pairs] == pytest.approx([expected[1, 4], expected[1, 5], expected[3, 7]])


@pytest.mark.parametrize("threshold", [-0.1, 0.0, 0.05, 0.1])
def test_equal_listings_are_never_parted_by_what_else_matches(
    threshold: float, index: CatalogueIndex, tmp_path: Path
) -> None:
    found = groups(index, threshold, tmp_path / "out")
    number = {row: place for place, members in enumerate(found) for row in members}
    assert number[1] == number[4] == number[5]
    assert number[3] == number[7]


def test_a_match_of_one_listing_is_a_match_of_its_equals(tmp_path: Path) -> None:
    drawn = np.zeros((4, 16), np.float32)
    drawn[:, 8], drawn[:, 9] = (1, 1, 1, 0), (0, 0, 0, 1)
    drawn[2, 8] = 0.99  # an equal listing whose embedding differs in its last digits, across the threshold
    embeddings = write_embeddings(tmp_path / "e", drawn, contents=["", "x", "x", ""])
    synchronise(embeddings, tmp_path / "i", IndexChoice())
    found, _ = find_duplicates(open_index(tmp_path / "i"), DecisionRule(0.995), tmp_path / "out", False, None)
    assert [group.members for group in found.groups] == [(0, 1, 2)]


def test_equal_listings_of_other_categories_stay_apart_where_that_is_asked_for(tmp_path: Path) -> None:
    categories = ["花瓶", "花瓶\u200b ", "水杯", ""]
    embeddings = write_embeddings(tmp_path / "e", numbers(4), categories=categories, contents=["x"] * 4)
    synchronise(embeddings, tmp_path / "i", IndexChoice())
    index = open_index(tmp_path / "i")
    for within, expected in ((False, [(0, 1, 2, 3)]), (True, [(0, 1)])):
        found, _ = find_duplicates(index, DecisionRule(1000.0), tmp_path / f"out{within}", within, None)
        assert [group.members for group in found.groups] == expected


def test_a_removed_listing_joins_nothing(tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(3), contents=["x"] * 3), tmp_path / "i", IndexChoice())
    embeddings = write_embeddings(tmp_path / "e", numbers(3)[:2], contents=["x", "x"])
    synchronise(embeddings, tmp_path / "i", IndexChoice())
    found, _ = find_duplicates(open_index(tmp_path / "i"), DecisionRule(1000.0), tmp_path / "out", False, None)
    assert [group.members for group in found.groups] == [(0, 1)]


def test_a_search_says_that_equal_listings_are_the_same(index: CatalogueIndex) -> None:
    found = judged(index, DecisionRule(1000.0), neighbours_of(index, ["item4"], 9))
    assert {item.item_id for item in found if item.same} == {"item1", "item5"}


def test_equal_listings_are_never_mined_and_known_by_the_labels_of_each_other(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e", packed(), contents=CONTENTS)
    lines = [(0, 4, "1"), (2, 8, "1"), (1, 6, "0")]
    pairs = write_lines(tmp_path / "pairs.jsonl", [
        {"src_item_id": f"item{one}", "tgt_item_id": f"item{other}", "item_label": label} for one, other, label in lines
    ])  # fmt: skip
    settings = MiningSettings(10, 1000.0, same_category=False, ungrouped=True, keep_pairs=False)
    figures = mine(embeddings.path, pairs, tmp_path / "out.jsonl", settings)
    mined = {
        (int(line["src_item_id"][4:]), int(line["tgt_item_id"][4:]))
        for line in map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    }
    # Products are 0 1 4 5, 2 8, 3 7, 6 and 9; of equal ones the first stands for all, and 1 and 6 are labelled.
    distinct = [0, 1, 2, 3, 6, 8, 9]
    known = {(0, 1), (2, 8), (1, 6)}
    assert mined == {(one, other) for one in distinct for other in distinct if one < other} - known
    assert (figures["items"], figures["items equal to an earlier one"]) == (10, 3)


def test_of_all_attributes_any_other_value_is_another_content() -> None:
    def digest(**attributes: tuple[str, ...]) -> str:
        tensors = ItemTensors(ItemCatalog([replace(VASE, attributes=attributes)]), None, GivenImages({}), None)
        return next(iter(content_digests(tensors, "all")))

    assert digest(x=("1",)) == digest(x=("1",)) != digest(x=("2",))
    assert digest(x=("1",)) != digest(x=("1",), y=("2",))
