import numpy as np
import pytest

from data.item_pair import PairTable
from engine import evaluator
from engine.evaluator import decision_intervals, evaluation, with_f1_interval


def test_the_figures_are_counted_at_the_given_and_at_the_best_threshold() -> None:
    margins = np.array([3.0, 2.0, 1.5, 0.5, -0.5, -1.0])
    same = np.array([True, True, False, True, False, False])
    figures = evaluation(margins, same, threshold=1.0)
    assert (figures.precision, figures.recall, figures.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert figures.accuracy == pytest.approx(4 / 6)
    assert (figures.threshold, figures.num_pairs, figures.num_positives) == (1.0, 6, 3)
    assert (figures.best_possible_precision, figures.best_possible_recall) == pytest.approx((3 / 4, 1.0))
    assert figures.best_possible_f1 == pytest.approx(6 / 7)
    assert figures.best_possible_threshold == pytest.approx(0.0)


def test_the_figures_have_names() -> None:
    figures = evaluation(np.array([1.0, -1.0]), np.array([True, False]), 0.0)
    named = figures.as_dict()
    assert named["f1"] == named["best_possible_f1"] == 1.0
    assert named["average_precision"] == named["roc_auc"] == named["recall_at_precision_95"] == 1.0
    assert len(named) == 15


def some_pairs() -> tuple[np.ndarray, PairTable]:
    rng = np.random.default_rng(0)
    pairs = PairTable(np.arange(0, 400, 2), np.arange(1, 400, 2), rng.random(200) < 0.4)
    assert pairs.same is not None
    return pairs.same + rng.normal(size=200), pairs


def test_the_interval_is_that_of_f1_at_the_best_possible_threshold() -> None:
    margins, pairs = some_pairs()
    assert pairs.same is not None
    without = evaluation(margins, pairs.same, 0.0)
    figures = with_f1_interval(without, margins, pairs)
    expected = decision_intervals(pairs, margins > figures.best_possible_threshold)
    assert expected is not None
    assert (figures.best_possible_f1_low, figures.best_possible_f1_high) == expected.f1
    assert expected.f1.low < figures.best_possible_f1 < expected.f1.high
    assert {**figures.as_dict(), "best_possible_f1_low": None, "best_possible_f1_high": None} == {
        **without.as_dict(), "best_possible_f1_low": None, "best_possible_f1_high": None,
    }  # fmt: skip


def test_pairs_of_one_cluster_are_left_without_an_interval() -> None:
    pairs = PairTable(np.array([0, 1]), np.array([1, 2]), np.array([True, False]))
    figures = evaluation(np.array([1.0, -1.0]), np.array([True, False]), 0.0)
    assert with_f1_interval(figures, np.array([1.0, -1.0]), pairs) == figures
    assert "best_possible_f1_low" not in figures.as_dict()


def test_more_pairs_than_that_are_left_without_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    margins, pairs = some_pairs()
    assert pairs.same is not None
    figures = evaluation(margins, pairs.same, 0.0)
    monkeypatch.setattr(evaluator, "MOST_PAIRS", 200)
    assert with_f1_interval(figures, margins, pairs) != figures
    monkeypatch.setattr(evaluator, "MOST_PAIRS", 199)
    assert with_f1_interval(figures, margins, pairs) == figures


PRODUCTS, OF_EACH = 60, 3


def pairs_of_products() -> PairTable:
    """The three pairs of three items, for each of 60 products."""
    first = np.repeat(np.arange(PRODUCTS) * OF_EACH, OF_EACH)
    source, target = first + np.tile([0, 1, 2], PRODUCTS), first + np.tile([1, 2, 0], PRODUCTS)
    return PairTable(source, target, np.random.default_rng(1).random(PRODUCTS * OF_EACH) < 0.4)


def test_the_interval_is_that_of_products_drawn_one_by_one() -> None:
    pairs = pairs_of_products()
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
    pairs = pairs_of_products()
    decided = np.random.default_rng(2).random(len(pairs)) < 0.4
    assert decision_intervals(pairs, decided) == decision_intervals(pairs, decided)


def test_pairs_of_one_cluster_have_no_interval() -> None:
    pairs = PairTable(np.array([0, 1]), np.array([1, 2]), np.array([True, False]))
    assert decision_intervals(pairs, np.array([True, False])) is None
