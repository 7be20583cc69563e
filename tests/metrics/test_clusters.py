import numpy as np
import pytest

from data.item_pair import connected_components
from metrics.clusters import LEAST_PAIRS, SHARE, pair_clusters


def random_pairs(num_pairs: int, num_items: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, num_items, num_pairs), rng.integers(0, num_items, num_pairs)


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@pytest.mark.parametrize("seed", range(5))
def test_small_connected_components_are_the_clusters(seed: int) -> None:
    source, target = random_pairs(300, 9000, seed)
    components = connected_components(9000, np.stack([source, target], axis=1))[source]
    assert np.bincount(components).max() <= LEAST_PAIRS
    assert partition(pair_clusters(source, target)) == partition(components)


def test_clusters_are_numbered_without_gaps_from_zero() -> None:
    source, target = random_pairs(3000, 3000)
    clusters = pair_clusters(source, target)
    assert np.array_equal(np.unique(clusters), np.arange(clusters.max() + 1))


def test_a_sparse_giant_component_is_cut_into_many_parts_that_share_few_items() -> None:
    source, target = random_pairs(8000, 8000)
    components = connected_components(8000, np.stack([source, target], axis=1))
    assert np.bincount(components[source]).max() > 4000
    clusters = pair_clusters(source, target)
    assert clusters.max() + 1 > 100
    assert np.bincount(clusters).max() < 8000 * SHARE * 10
    # Two pairs of one item, one after the other: how often are they of different clusters?
    items = np.concatenate([source, target])
    order = np.argsort(items, kind="stable")
    of_one_item = np.diff(items[order]) == 0
    crosses = np.diff(np.tile(clusters, 2)[order]) != 0
    assert crosses[of_one_item].mean() < 0.35


def test_no_cluster_joins_two_components() -> None:
    source, target = random_pairs(5000, 4000)
    components = connected_components(4000, np.stack([source, target], axis=1))[source]
    clusters = pair_clusters(source, target)
    for cluster in range(clusters.max() + 1):
        assert len(np.unique(components[clusters == cluster])) == 1


def test_the_pairs_of_one_item_stay_together() -> None:
    clusters = pair_clusters(np.arange(1, 1000), np.zeros(999, np.int64))
    assert np.bincount(clusters).max() > 900


def test_a_pair_of_an_item_with_itself_is_a_cluster() -> None:
    assert pair_clusters(np.array([3, 1]), np.array([3, 1])).tolist() == [1, 0]
