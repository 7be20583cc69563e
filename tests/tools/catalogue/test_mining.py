import json
from pathlib import Path

import numpy as np
import pytest
import torch

from data.item_pair import PairTable
from data.jsonl import DataError
from models.embedding import ItemEmbedding
from options.errors import UserError
from tests.tiny_data import write_lines
from tests.tiny_embeddings import margins, numbers, write_embeddings
from tools.catalogue import mining
from tools.catalogue.mining import (
    Guards,
    MiningSettings,
    NearMisses,
    median_positive_margin,
    mine,
    near_misses,
)

PLAIN = MiningSettings(per_item=2, ceiling=None, same_category=False, ungrouped=False, keep_pairs=False)
NUM_ITEMS = 24
MANY_ITEMS = 60
"""Held against brute force."""


def line(source: int, target: int, label: str | None) -> dict[str, str]:
    ids = {"src_item_id": f"item{source}", "tgt_item_id": f"item{target}"}
    return ids if label is None else {**ids, "item_label": label}


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Items 2 n and 2 n + 1 of the first 20 are one product."""
    lines = [line(first, first + 1, "1") for first in range(0, 20, 2)] + [line(0, 2, "0"), line(21, 3, "0")]
    return write_lines(tmp_path / "pairs.jsonl", lines)


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    categories = [("花瓶", "茶杯", "")[row % 3] for row in range(NUM_ITEMS)]
    return write_embeddings(tmp_path / "embeddings", numbers(NUM_ITEMS), categories=categories).path


def written(file: Path) -> list[tuple[int, int, str]]:
    records = [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()]
    return [(int(r["src_item_id"][4:]), int(r["tgt_item_id"][4:]), r["item_label"]) for r in records]


def test_the_file_holds_known_different_pairs_below_the_median_of_the_same(
    embeddings: Path, pairs: Path, tmp_path: Path
) -> None:
    figures = mine(embeddings, pairs, tmp_path / "out.jsonl", PLAIN)
    exact = margins(numbers(NUM_ITEMS), numbers(NUM_ITEMS))
    median = np.median([exact[n, n + 1] for n in range(0, 20, 2)])
    assert figures["ceiling of the margin"] == pytest.approx(median, rel=1e-5)
    lines = written(tmp_path / "out.jsonl")
    assert len(lines) == figures[f"lines of {tmp_path / 'out.jsonl'}"] > 5
    assert {label for _, _, label in lines} == {"0"}
    for source, target, _ in lines:
        assert source // 2 != target // 2
        assert max(source, target) < 20
        assert {source, target} != {0, 2}
        assert exact[source, target] < figures["ceiling of the margin"]
    assert max(np.bincount([item for pair in lines for item in pair[:2]])) <= 2


def test_the_labelled_pairs_come_first_where_they_are_kept(embeddings: Path, pairs: Path, tmp_path: Path) -> None:
    settings = MiningSettings(2, 5.0, same_category=True, ungrouped=True, keep_pairs=True)
    mine(embeddings, pairs, tmp_path / "out.jsonl", settings)
    before, after = written(pairs), written(tmp_path / "out.jsonl")
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert all(source % 3 == target % 3 != 2 for source, target, _ in after[len(before) :])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line(0, 1, None)], r"pairs\.jsonl:1: has no 'item_label'"),
        ([line(0, 1, "1"), line(0, 99, "1")], r"pairs\.jsonl:2: item 'item99' is not among the embeddings"),
        ([], "has no pairs"),
    ],
)
def test_pairs_that_tell_nothing_are_refused(
    embeddings: Path, tmp_path: Path, lines: list[dict[str, str]], message: str
) -> None:
    pairs = write_lines(tmp_path / "pairs.jsonl", lines)
    with pytest.raises(DataError, match=message):
        mine(embeddings, pairs, tmp_path / "out.jsonl", PLAIN)


def test_without_same_pairs_a_ceiling_has_to_be_given(embeddings: Path, tmp_path: Path) -> None:
    pairs = write_lines(tmp_path / "pairs.jsonl", [line(0, 1, "0")])
    with pytest.raises(UserError, match="no pair is the same product"):
        mine(embeddings, pairs, tmp_path / "out.jsonl", PLAIN)


def test_guards_that_leave_nothing_say_so(embeddings: Path, pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no pair of items passed the guards below the ceiling -1000\.0000"):
        mine(embeddings, pairs, tmp_path / "out.jsonl", MiningSettings(2, -1000.0, False, False, False))
    assert not (tmp_path / "out.jsonl").exists()


@pytest.fixture
def items() -> ItemEmbedding:
    """Of whole numbers, so that many margins are equal."""
    generator = torch.Generator().manual_seed(0)
    whole = torch.randint(-2, 3, (2, MANY_ITEMS, 3), generator=generator).float()
    return ItemEmbedding(whole[0], whole[1])


@pytest.fixture
def labelled() -> PairTable:
    """Chains of three of the first 30 items, some different pairs, and items in no pair."""
    rng = np.random.default_rng(0)
    same = [(first + step, first + step + 1) for first in range(0, 30, 3) for step in range(2)]
    different = [(int(a), int(b)) for a, b in rng.integers(0, 50, (40, 2)) if a // 3 != b // 3]
    source, target = np.array(same + different).T
    return PairTable(source, target, np.arange(len(source)) < len(same))


def margin_of(items: ItemEmbedding, i: int, j: int) -> float:
    return float(items.match[i] @ items.match[j] - items.threshold[i] @ items.threshold[j])


def product(item: int) -> int:
    return item // 3 if item < 30 else 100 + item


def brute_force(
    items: ItemEmbedding, labelled: PairTable, guards: Guards, most: int
) -> tuple[list[tuple[int, int, float]], int]:
    ends_of = {frozenset(ends) for ends in zip(labelled.source.tolist(), labelled.target.tolist(), strict=True)}

    def may(i: int, j: int) -> bool:
        known = guards.ungrouped or (i < 30 and j < 30)
        category = guards.category
        together = category is None or (category[i] == category[j] and category[i] >= 0)
        return bool(product(i) != product(j) and known and together and frozenset((i, j)) not in ends_of)

    candidates, num_above = set(), 0
    for i in range(MANY_ITEMS):
        others = [(-margin_of(items, i, j), j) for j in range(MANY_ITEMS) if may(i, j)]
        num_above += sum(-value >= guards.ceiling for value, _ in others)
        below = sorted((value, j) for value, j in others if -value < guards.ceiling)
        candidates |= {(value, min(i, j), max(i, j)) for value, j in below[:most]}
    count = [0] * MANY_ITEMS
    kept = []
    for value, i, j in sorted(candidates):
        if count[i] < most and count[j] < most:
            count[i], count[j] = count[i] + 1, count[j] + 1
            kept.append((i, j, -value))
    return kept, num_above // 2


def listed(found: NearMisses) -> list[tuple[int, int, float]]:
    return list(zip(found.source.tolist(), found.target.tolist(), found.margin.tolist(), strict=True))


@pytest.mark.parametrize("ungrouped", [False, True])
@pytest.mark.parametrize("by_category", [False, True])
@pytest.mark.parametrize(("ceiling", "most"), [(3.0, 2), (100.0, 1), (6.0, 7), (0.0, 100)])
def test_near_misses_are_those_of_brute_force(
    items: ItemEmbedding, labelled: PairTable, ungrouped: bool, by_category: bool, ceiling: float, most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(mining, "ITEMS_AT_ONCE", 7)
    category = np.arange(MANY_ITEMS) % 5 - 1 if by_category else None
    guards = Guards(ceiling, ungrouped, category)
    found = near_misses(items, labelled, guards, most)
    expected, num_above = brute_force(items, labelled, guards, most)
    assert listed(found) == expected
    assert found.num_above_ceiling == num_above
    assert expected


def test_a_chain_of_same_pairs_is_one_product(items: ItemEmbedding, labelled: PairTable) -> None:
    found = near_misses(items, labelled, Guards(1000.0, ungrouped=True), 100)
    assert not any(product(source) == product(target) for source, target, _ in listed(found))


def test_the_ceiling_is_by_default_the_median_margin_of_the_same_products(
    items: ItemEmbedding, labelled: PairTable
) -> None:
    expected = [
        margin_of(items, s, t)
        for s, t in zip(labelled.source[labelled.same], labelled.target[labelled.same], strict=True)
    ]
    assert median_positive_margin(items, labelled) == pytest.approx(float(np.median(expected)))


def test_without_same_pairs_nothing_is_known(items: ItemEmbedding, labelled: PairTable) -> None:
    none = PairTable(labelled.source, labelled.target, np.zeros_like(labelled.same))
    assert np.isnan(median_positive_margin(items, none))
    assert not len(near_misses(items, none, Guards(1000.0), 5).source)
