import numpy as np
import pytest
import torch

from models.embedding import ItemEmbedding
from tools.catalogue import near_misses as near_misses_module
from tools.catalogue.near_misses import Guards, LabelledPairs, NearMisses, median_positive_margin, near_misses

NUM_ITEMS = 60


@pytest.fixture
def items() -> ItemEmbedding:
    """Of whole numbers, so that many margins are equal."""
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randint(-2, 3, (2, NUM_ITEMS, 3), generator=generator).float()
    return ItemEmbedding(numbers[0], numbers[1])


@pytest.fixture
def pairs() -> LabelledPairs:
    """Chains of three of the first 30 items, some different pairs, and items in no pair."""
    rng = np.random.default_rng(0)
    same = [(first + step, first + step + 1) for first in range(0, 30, 3) for step in range(2)]
    different = [(int(a), int(b)) for a, b in rng.integers(0, 50, (40, 2)) if a // 3 != b // 3]
    source, target = np.array(same + different).T
    return LabelledPairs(source, target, np.arange(len(source)) < len(same))


def margin(items: ItemEmbedding, i: int, j: int) -> float:
    return float(items.match[i] @ items.match[j] - items.threshold[i] @ items.threshold[j])


def product(item: int) -> int:
    return item // 3 if item < 30 else 100 + item


def brute_force(
    items: ItemEmbedding, pairs: LabelledPairs, guards: Guards, most: int
) -> tuple[list[tuple[int, int, float]], int]:
    labelled = {frozenset(ends) for ends in zip(pairs.source.tolist(), pairs.target.tolist(), strict=True)}

    def may(i: int, j: int) -> bool:
        known = guards.ungrouped or (i < 30 and j < 30)
        category = guards.category
        together = category is None or (category[i] == category[j] and category[i] >= 0)
        return bool(product(i) != product(j) and known and together and frozenset((i, j)) not in labelled)

    candidates, num_above = set(), 0
    for i in range(NUM_ITEMS):
        others = [(-margin(items, i, j), j) for j in range(NUM_ITEMS) if may(i, j)]
        num_above += sum(-value >= guards.ceiling for value, _ in others)
        below = sorted((value, j) for value, j in others if -value < guards.ceiling)
        candidates |= {(value, min(i, j), max(i, j)) for value, j in below[:most]}
    count = [0] * NUM_ITEMS
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
    items: ItemEmbedding, pairs: LabelledPairs, ungrouped: bool, by_category: bool, ceiling: float, most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(near_misses_module, "ITEMS_AT_ONCE", 7)
    category = np.arange(NUM_ITEMS) % 5 - 1 if by_category else None
    guards = Guards(ceiling, ungrouped, category)
    found = near_misses(items, pairs, guards, most)
    expected, num_above = brute_force(items, pairs, guards, most)
    assert listed(found) == expected
    assert found.num_above_ceiling == num_above
    assert expected


def test_a_chain_of_same_pairs_is_one_product(items: ItemEmbedding, pairs: LabelledPairs) -> None:
    found = near_misses(items, pairs, Guards(1000.0, ungrouped=True), 100)
    assert not any(product(source) == product(target) for source, target, _ in listed(found))


def test_the_ceiling_is_by_default_the_median_margin_of_the_same_products(
    items: ItemEmbedding, pairs: LabelledPairs
) -> None:
    margins = [margin(items, s, t) for s, t in zip(pairs.source[pairs.same], pairs.target[pairs.same], strict=True)]
    assert median_positive_margin(items, pairs) == pytest.approx(float(np.median(margins)))


def test_without_same_pairs_nothing_is_known(items: ItemEmbedding, pairs: LabelledPairs) -> None:
    none = LabelledPairs(pairs.source, pairs.target, np.zeros_like(pairs.same))
    assert np.isnan(median_positive_margin(items, none))
    assert not len(near_misses(items, none, Guards(1000.0), 5).source)
