import json
from dataclasses import replace
from pathlib import Path

import pytest

from data.item_catalog import read_items
from engine.decision_rule import DecisionRule
from engine.named_checkpoint import checkpoint_of
from options.errors import UserError
from tests.tiny_embeddings import numbers, write_embeddings
from tests.trained_catalogue import catalogue_folder, trained_catalogue
from tools.catalogue.embedding_folder import open_embeddings
from tools.catalogue.index_folder import CatalogueIndex, open_index
from tools.catalogue.index_sync import IndexChoice, synchronise
from tools.catalogue.search import encode_item, found_lines, found_table, index_rule, judged
from tools.catalogue.search_backend import Neighbour

__all__ = ["catalogue_folder", "trained_catalogue"]

FOUND = [Neighbour("b", 1.5), Neighbour("c", 0.75)]


@pytest.fixture
def index(tmp_path: Path) -> CatalogueIndex:
    synchronise(
        write_embeddings(tmp_path / "e", numbers(3), [*"abc"], ["花瓶", "花瓶", "水杯"]), tmp_path / "i", IndexChoice()
    )
    return open_index(tmp_path / "i")


def test_a_margin_above_its_threshold_is_the_same_product(index: CatalogueIndex) -> None:
    assert [item.same for item in judged(index, DecisionRule(1.0), {"a": FOUND})] == [True, False]
    assert [item.same for item in judged(index, DecisionRule(0.75), {"a": FOUND})] == [True, False]


def test_pairs_within_a_category_have_its_threshold(index: CatalogueIndex) -> None:
    found = judged(index, DecisionRule(0.5, {"花瓶": 2.0}), {"a": FOUND})
    assert [(item.threshold, item.same) for item in found] == [(2.0, False), (0.5, True)]


def test_the_table_is_aligned_and_the_lines_are_json(index: CatalogueIndex) -> None:
    found = list(judged(index, DecisionRule(1.0), {"a": FOUND}))
    lines = found_table(found).splitlines()
    assert lines[2].split() == ["a", "1", "b", "花瓶", "1.5000", "1.0000", "same"]
    assert lines[3].endswith("different")
    assert json.loads(list(found_lines(found))[1]) == {
        "query": "a", "rank": 2, "item_id": "c", "category": "水杯", "margin": 0.75, "threshold": 1.0, "same": False
    }  # fmt: skip


def test_an_item_is_encoded_as_it_was_with_the_catalogue(catalogue_folder: Path, tiny_dataset: Path) -> None:
    index = open_index(Path("i"))
    item = read_items(tiny_dataset / "item_test_info.jsonl")[5]
    packed = encode_item(index, None, item, tiny_dataset / "images")
    best = index.searcher.search(packed, len(index.items))
    own = index.searcher.search(next(iter(open_embeddings(Path("e")).blocks(16)))[5:6], len(index.items))
    assert [neighbour.item_id for neighbour in best[0]] == [neighbour.item_id for neighbour in own[0]]
    assert best[0][0].margin == pytest.approx(own[0][0].margin, rel=1e-4)


def test_the_rule_is_that_of_the_run_or_a_number(catalogue_folder: Path) -> None:
    index = open_index(Path("i"))
    recorded = json.loads(Path("experiments/tiny/metrics.json").read_text())
    rule, source = index_rule(index, "calibrated", None)
    assert rule.threshold == recorded["best_possible_threshold"]
    assert source.startswith("calibrated, of experiments/tiny/checkpoints/step_")
    assert index_rule(index, "learned", Path("experiments/tiny"))[0].threshold == recorded["threshold"]
    assert index_rule(index, 0.25, None)[0].threshold == 0.25


def test_a_checkpoint_with_other_weights_is_refused(catalogue_folder: Path) -> None:
    index = open_index(Path("i"))
    best = checkpoint_of(Path("experiments/tiny"))
    other = next(path for path in best.parent.iterdir() if path.is_dir() and path.name != best.name)
    with pytest.raises(UserError, match=r"has other weights than those .*--checkpoint.*--threshold NUMBER"):
        index_rule(index, "learned", other)


def test_embeddings_of_no_run_ask_for_a_number(catalogue_folder: Path) -> None:
    index = open_index(Path("i"))
    with pytest.raises(UserError, match=r"--threshold NUMBER"):
        index_rule(replace(index, record=replace(index.record, run="nobody")), "calibrated", None)
