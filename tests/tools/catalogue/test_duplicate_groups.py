import json
from pathlib import Path

import numpy as np
import pytest

from engine.decision_rule import DecisionRule
from options.errors import UserError
from tests.tiny_embeddings import numbers, write_embeddings
from tools.catalogue.duplicate_groups import (
    CatalogueGroups,
    agreement_with_truth,
    group_catalogue,
    lowest_threshold,
    write_groups,
    write_pairs,
)
from tools.catalogue.duplicate_pairs import FoundPairs
from tools.catalogue.index_folder import CatalogueIndex, open_index
from tools.catalogue.index_sync import IndexChoice, synchronise

IDS = [*"abcdefg"]
CATEGORIES = ["花瓶", "花瓶", "花瓶", "花瓶", "", "水杯", "水杯"]
PAIRS = {(0, 1): 3.0, (1, 2): 2.0, (2, 3): 2.0, (4, 5): 1.0, (5, 6): 0.5}


@pytest.fixture
def index(tmp_path: Path) -> CatalogueIndex:
    embeddings = write_embeddings(tmp_path / "embeddings", numbers(7), IDS, CATEGORIES)
    synchronise(embeddings, tmp_path / "index", IndexChoice())
    return open_index(tmp_path / "index")


def grouped(index: CatalogueIndex, rule: DecisionRule, within_categories: bool = False) -> CatalogueGroups:
    source, target = np.array(list(PAIRS), np.int64).T
    found = FoundPairs(source, target, np.array(list(PAIRS.values())), 7, 0)
    return group_catalogue(index, found, rule, within_categories)


def members(found: CatalogueGroups) -> list[str]:
    return ["".join(IDS[row] for row in group.members) for group in found.groups]


def test_pairs_above_their_threshold_are_grouped_around_medoids(index: CatalogueIndex) -> None:
    found = grouped(index, DecisionRule(0.75))
    assert members(found) == ["abc", "ef"]
    assert found.num_grouped == 5
    assert found.is_inside.tolist() == [True, True, False, True]
    assert found.medoid_margins() == {0: 3.0, 2: 2.0, 5: 1.0} or found.medoid_margins() == {0: 3.0, 2: 2.0, 4: 1.0}


def test_categories_have_their_thresholds(index: CatalogueIndex) -> None:
    rule = DecisionRule(0.75, {"花瓶": 2.5, "水杯": 0.25})
    assert members(grouped(index, rule)) == ["ab", "efg"]
    assert lowest_threshold(rule) == 0.25
    assert lowest_threshold(DecisionRule(0.75)) == 0.75


def test_within_categories_only_pairs_of_one_category_count(index: CatalogueIndex) -> None:
    assert members(grouped(index, DecisionRule(0.0), within_categories=True)) == ["abc", "fg"]


def test_categories_are_compared_as_they_read(tmp_path: Path) -> None:
    categories = ["花瓶", "花瓶 ", "\u200b花 瓶", "Ｖａｓｅ—1", "vase-1", "", " "]
    embeddings = write_embeddings(tmp_path / "embeddings", numbers(7), IDS, categories)
    synchronise(embeddings, tmp_path / "index", IndexChoice())
    pairs = {(0, 1): 3.0, (0, 2): 3.0, (3, 4): 3.0, (5, 6): 3.0, (0, 3): 3.0}
    source, target = np.array(list(pairs), np.int64).T
    found = FoundPairs(source, target, np.array(list(pairs.values())), 7, 0)
    for rule, within in ((DecisionRule(2.0), True), (DecisionRule(5.0, {"花瓶\t": 2.0, "VASE‑1": 2.0}), False)):
        assert members(group_catalogue(open_index(tmp_path / "index"), found, rule, within)) == ["abc", "de"]


def test_groups_and_pairs_are_written_with_ids(index: CatalogueIndex, tmp_path: Path) -> None:
    found = grouped(index, DecisionRule(0.75))
    write_groups(found, tmp_path / "groups.jsonl")
    write_pairs(found, tmp_path / "pairs.jsonl")
    groups = [json.loads(line) for line in (tmp_path / "groups.jsonl").read_text(encoding="utf-8").splitlines()]
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert groups[0] == {"group": 0, "medoid": "b", "items": ["a", "b", "c"]}
    assert pairs[0] == {"src_item_id": "a", "tgt_item_id": "b", "margin": 3.0, "group": 0}
    assert [pair["group"] for pair in pairs] == [0, 0, None, 1]


def test_agreement_counts_pairs_of_equal_products(index: CatalogueIndex, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    products: list[object] = [{"x": 1, "y": 2}, {"y": 2, "x": 1}, 3, 3, 4, 4, 4]
    truth.write_text(
        "".join(
            json.dumps({"item_id": own, "product": product}) + "\n" for own, product in zip(IDS, products, strict=True)
        )
    )
    figures = agreement_with_truth(grouped(index, DecisionRule(0.75)), truth)
    # Found are ab, ac, bc and ef; true are ab, cd, ef, eg and fg.
    assert (figures.num_found_pairs, figures.num_true_pairs) == (4, 5)
    assert (figures.precision, figures.recall) == (0.5, 0.4)


def test_a_truth_that_lacks_an_item_is_refused(index: CatalogueIndex, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    truth.write_text('{"item_id": "a", "product": 1}\n')
    with pytest.raises(UserError, match=r"truth\.jsonl: has no line for item 'b' of the index, nor for 5 others"):
        agreement_with_truth(grouped(index, DecisionRule(0.75)), truth)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"item_id": "b", "group": 1}', r"truth\.jsonl:2: has no 'product'"),
        ('{"item_id": "b", "product": null}', r"truth\.jsonl:2: has no 'product'"),
        ('{"item_id": "a", "product": 2}', r"truth\.jsonl:2: is a second line of item 'a'; keep one of them"),
    ],
)
def test_a_truth_with_a_line_that_says_nothing_certain_is_refused(
    line: str, message: str, index: CatalogueIndex, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.jsonl"
    truth.write_text(f'{{"item_id": "a", "product": 1}}\n{line}\n')
    with pytest.raises(UserError, match=message):
        agreement_with_truth(grouped(index, DecisionRule(0.75)), truth)
