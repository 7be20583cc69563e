import numpy as np
import pytest

from data.item_pair import PairTable
from engine.figure_intervals import decision_intervals

PRODUCTS, OF_EACH = 60, 3


def some_pairs() -> PairTable:
    """The three pairs of three items, for each of 60 products."""
    first = np.repeat(np.arange(PRODUCTS) * OF_EACH, OF_EACH)
    source, target = first + np.tile([0, 1, 2], PRODUCTS), first + np.tile([1, 2, 0], PRODUCTS)
    return PairTable(source, target, np.random.default_rng(1).random(PRODUCTS * OF_EACH) < 0.4)


def test_the_interval_is_that_of_products_drawn_one_by_one() -> None:
    pairs = some_pairs()
    assert pairs.same is not None
    decided = pairs.same ^ (np.random.default_rng(2).random(len(pairs)) < 0.2)
    rng = np.random.default_rng(3)
    figures = []
    for _ in range(2000):
        rows = [OF_EACH * product + place for product in rng.integers(0, PRODUCTS, PRODUCTS) for place in range(3)]
        hits = (decided & pairs.same)[rows].sum()
        figures.append(2 * hits / (decided[rows].sum() + pairs.same[rows].sum()))

    found = decision_intervals(pairs, decided)

    assert found is not None
    # Of other draws, so the ends differ by chance.
    assert list(found.f1) == pytest.approx([float(end) for end in np.quantile(figures, [0.025, 0.975])], abs=0.015)


def test_the_draws_are_always_the_same() -> None:
    pairs = some_pairs()
    decided = np.random.default_rng(2).random(len(pairs)) < 0.4
    assert decision_intervals(pairs, decided) == decision_intervals(pairs, decided)


def test_pairs_of_one_cluster_have_no_interval() -> None:
    pairs = PairTable(np.array([0, 1]), np.array([1, 2]), np.array([True, False]))
    assert decision_intervals(pairs, np.array([True, False])) is None
