import numpy as np
import pytest

from data.item_pair import PairTable
from engine import evaluator
from engine.evaluator import evaluation, with_f1_interval
from engine.figure_intervals import decision_intervals


def test_the_figures_are_counted_at_the_given_and_at_the_best_threshold() -> None:
    margins = np.array([3.0, 2.0, 1.5, 0.5, -0.5, -1.0])
    same = np.array([True, True, False, True, False, False])
    figures = evaluation(margins, same, threshold=1.0)
    assert (figures.precision, figures.recall, figures.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert figures.accuracy == pytest.approx(4 / 6)
    assert (figures.threshold, figures.num_pairs, figures.num_positives) == (1.0, 6, 3)
    assert (figures.calibrated_precision, figures.calibrated_recall) == pytest.approx((3 / 4, 1.0))
    assert figures.calibrated_f1 == pytest.approx(6 / 7)
    assert figures.calibrated_threshold == pytest.approx(0.0)


def test_the_figures_have_names() -> None:
    figures = evaluation(np.array([1.0, -1.0]), np.array([True, False]), 0.0)
    named = figures.as_dict()
    assert named["f1"] == named["calibrated_f1"] == 1.0
    assert len(named) == 11


def some_pairs() -> tuple[np.ndarray, PairTable]:
    rng = np.random.default_rng(0)
    pairs = PairTable(np.arange(0, 400, 2), np.arange(1, 400, 2), rng.random(200) < 0.4)
    assert pairs.same is not None
    return pairs.same + rng.normal(size=200), pairs


def test_the_interval_is_that_of_f1_at_the_calibrated_threshold() -> None:
    margins, pairs = some_pairs()
    assert pairs.same is not None
    without = evaluation(margins, pairs.same, 0.0)
    figures = with_f1_interval(without, margins, pairs)
    expected = decision_intervals(pairs, margins > figures.calibrated_threshold)
    assert expected is not None
    assert (figures.calibrated_f1_low, figures.calibrated_f1_high) == expected.f1
    assert expected.f1.low < figures.calibrated_f1 < expected.f1.high
    assert {**figures.as_dict(), "calibrated_f1_low": None, "calibrated_f1_high": None} == {
        **without.as_dict(), "calibrated_f1_low": None, "calibrated_f1_high": None,
    }  # fmt: skip


def test_pairs_of_one_cluster_are_left_without_an_interval() -> None:
    pairs = PairTable(np.array([0, 1]), np.array([1, 2]), np.array([True, False]))
    figures = evaluation(np.array([1.0, -1.0]), np.array([True, False]), 0.0)
    assert with_f1_interval(figures, np.array([1.0, -1.0]), pairs) == figures
    assert "calibrated_f1_low" not in figures.as_dict()


def test_more_pairs_than_that_are_left_without_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    margins, pairs = some_pairs()
    assert pairs.same is not None
    figures = evaluation(margins, pairs.same, 0.0)
    monkeypatch.setattr(evaluator, "MOST_PAIRS", 200)
    assert with_f1_interval(figures, margins, pairs) != figures
    monkeypatch.setattr(evaluator, "MOST_PAIRS", 199)
    assert with_f1_interval(figures, margins, pairs) == figures
