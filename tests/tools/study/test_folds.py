import numpy as np
import pytest

from data.item_pair import PairTable
from data.pair_dataset import product_groups
from tools.study.folds import pair_folds, product_folds

NUM_PRODUCTS, ITEMS_A_PRODUCT = 60, 3
NUM_ITEMS = NUM_PRODUCTS * ITEMS_A_PRODUCT


@pytest.fixture
def pairs() -> PairTable:
    """Products of three items in a chain, and pairs of different products that join ten products each."""
    rng = np.random.default_rng(0)
    first = np.arange(NUM_ITEMS).reshape(-1, ITEMS_A_PRODUCT)
    same = np.concatenate([first[:, :2], first[:, 1:]])
    product = rng.integers(0, NUM_PRODUCTS, 150)
    other = product // 10 * 10 + (product + rng.integers(1, 10, 150)) % 10
    different = np.stack([first[product, 0], first[other, 2]], axis=1)
    both = np.concatenate([same, different])
    return PairTable(both[:, 0], both[:, 1], np.arange(len(both)) < len(same))


def test_a_product_lies_in_one_fold_and_all_folds_have_pairs(pairs: PairTable) -> None:
    folds = product_folds(pairs, np.arange(NUM_ITEMS), 5, seed=0)
    groups = product_groups(pairs, np.arange(NUM_ITEMS))
    for group in np.unique(groups):
        assert len({*folds[groups == group].tolist()}) == 1
    sizes = np.bincount(folds[pairs.source])
    assert len(sizes) == 5
    assert sizes.min() > 0.6 * sizes.mean()


def test_few_pairs_are_cut_and_none_of_one_product(pairs: PairTable) -> None:
    assert pairs.same is not None
    folds = pair_folds(pairs, product_folds(pairs, np.arange(NUM_ITEMS), 5, seed=0))
    assert (folds[pairs.same] >= 0).all()
    left_out = (folds[~pairs.same] < 0).mean()
    at_random = pair_folds(pairs, np.random.default_rng(0).integers(0, 5, NUM_ITEMS))
    assert left_out < 0.4 < (at_random[~pairs.same] < 0).mean()


def test_the_seed_draws_the_folds(pairs: PairTable) -> None:
    first, again, other = (product_folds(pairs, np.arange(NUM_ITEMS), 5, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_listing_under_two_ids_lies_in_one_fold_with_the_products_of_both(pairs: PairTable) -> None:
    listing = np.arange(NUM_ITEMS)
    listing[NUM_ITEMS // 2 :] = np.random.default_rng(0).permutation(NUM_ITEMS // 2)
    some = np.random.default_rng(1).random(NUM_ITEMS) < 0.8
    listing[some] = np.arange(NUM_ITEMS)[some]
    folds = product_folds(pairs, listing, 5, seed=0)
    assert np.array_equal(folds, folds[listing])
    assert pairs.same is not None
    assert (pair_folds(pairs, folds)[pairs.same] >= 0).all()
    assert len({*folds.tolist()}) == 5


def test_items_at_the_end_need_no_pair(pairs: PairTable) -> None:
    folds = product_folds(pairs, np.arange(NUM_ITEMS + 2), 5, seed=0)
    assert np.array_equal(folds[:-2], product_folds(pairs, np.arange(NUM_ITEMS), 5, seed=0))
