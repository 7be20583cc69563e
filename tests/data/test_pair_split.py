import time
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from data.pair_split import split_by_components, split_dropping_seen


class Pairs(NamedTuple):
    pairs: NDArray[np.int64]
    category: NDArray[np.int64]
    same: NDArray[np.bool_]
    num_items: int


def clustered_pairs(num_pairs: int, seed: int, num_categories: int = 12) -> Pairs:
    generator = np.random.default_rng(seed)
    num_clusters = max(num_pairs // 4, 1)
    cluster = generator.integers(0, num_clusters, num_pairs)
    ends = cluster[:, None] * 5 + generator.integers(0, 5, (num_pairs, 2))
    return Pairs(ends, cluster % num_categories, generator.random(num_pairs) < 1 / 3, num_clusters * 5)


@pytest.mark.parametrize("seed", range(60))
def test_no_item_and_so_no_component_is_on_both_sides(seed: int) -> None:
    generator = np.random.default_rng(seed)
    num_items = int(generator.integers(2, 80))
    pairs = generator.integers(0, num_items, (int(generator.integers(1, 60)), 2))
    category, same = generator.integers(0, 5, len(pairs)), generator.random(len(pairs)) < 0.5
    split = split_by_components(pairs, category, same, num_items, seed=seed)
    assert not set(pairs[split.train].ravel().tolist()) & set(pairs[split.val].ravel().tolist())
    assert (split.train ^ split.val).all()


@pytest.mark.parametrize("num_categories", [1, 12, 5000])
def test_sizes_and_labels_follow_the_ratio(num_categories: int) -> None:
    data = clustered_pairs(20_000, 0, num_categories)
    split = split_by_components(*data, ratio=5.6)
    assert split.train.sum() / split.val.sum() == pytest.approx(5.6, rel=0.02)
    assert data.same[split.val].mean() == pytest.approx(data.same.mean(), abs=0.01)


def test_each_common_category_is_held_out_in_proportion() -> None:
    data = clustered_pairs(20_000, 0)
    split = split_by_components(*data, ratio=5.6)
    share = np.bincount(data.category[split.val]) / np.bincount(data.category)
    assert np.abs(share - 1 / 6.6).max() < 0.02


def test_the_seed_alone_decides() -> None:
    data = clustered_pairs(500, 1)
    first, again, other = (split_by_components(*data, seed=seed).val for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_a_giant_component_is_told_and_stays_in_training() -> None:
    chain = np.stack([np.arange(90), np.arange(1, 91)], axis=1)
    others = 100 + np.arange(20).reshape(10, 2)
    pairs = np.concatenate([chain, others])
    split = split_by_components(pairs, np.zeros(100, np.int64), np.zeros(100, np.bool_), 200)
    assert split.has_giant
    assert split.largest_component == 90
    assert split.num_components == 11
    assert split.train[:90].all()
    assert split.val.sum() == 10


def test_dropping_seen_items_keeps_validation_unseen_and_training_whole() -> None:
    pairs, _, _, num_items = clustered_pairs(3000, 2)
    split = split_dropping_seen(pairs, num_items, ratio=5.0)
    assert split.train.sum() == 2500
    assert 0 < split.val.sum() < 500
    assert not set(pairs[split.train].ravel().tolist()) & set(pairs[split.val].ravel().tolist())


def test_fifty_thousand_pairs_take_a_few_seconds_at_most() -> None:
    data = clustered_pairs(50_000, 3)
    start = time.perf_counter()
    split_by_components(*data)
    assert time.perf_counter() - start < 10
