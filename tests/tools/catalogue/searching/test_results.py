import json
from pathlib import Path

import pytest

from engine.decision_rule import DecisionRule
from tests.tiny_embeddings import numbers, write_embeddings
from tools.catalogue.index_folder import CatalogueIndex, open_index
from tools.catalogue.index_sync import IndexChoice, synchronise
from tools.catalogue.search_backend import Neighbour
from tools.catalogue.searching.results import found_lines, found_table, judged

FOUND = [Neighbour("b", 1.5), Neighbour("c", 0.75)]


@pytest.fixture
def index(tmp_path: Path) -> CatalogueIndex:
    synchronise(
        write_embeddings(tmp_path / "e", numbers(3), [*"abc"], ["花瓶", "花瓶", "水杯"]), tmp_path / "i", IndexChoice()
    )
    return open_index(tmp_path / "i")


def test_a_margin_above_its_threshold_is_the_same_product(index: CatalogueIndex) -> None:
    assert [item.same for item in judged(index, DecisionRule(1.0), "a", "花瓶", FOUND)] == [True, False]
    assert [item.same for item in judged(index, DecisionRule(0.75), "a", "花瓶", FOUND)] == [True, False]


def test_pairs_within_a_category_have_its_threshold(index: CatalogueIndex) -> None:
    found = judged(index, DecisionRule(0.5, {"花瓶": 2.0}), "a", "花瓶", FOUND)
    assert [(item.threshold, item.same) for item in found] == [(2.0, False), (0.5, True)]


def test_the_table_is_aligned_and_the_lines_are_json(index: CatalogueIndex) -> None:
    found = judged(index, DecisionRule(1.0), "a", "花瓶", FOUND)
    lines = found_table(found).splitlines()
    assert lines[2].split() == ["a", "1", "b", "花瓶", "1.5000", "1.0000", "same"]
    assert lines[3].endswith("different")
    assert json.loads(list(found_lines(found))[1]) == {
        "query": "a", "rank": 2, "item_id": "c", "category": "水杯", "margin": 0.75, "threshold": 1.0, "same": False
    }  # fmt: skip
