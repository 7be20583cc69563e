import numpy as np
import pytest

from engine.evaluator import evaluation


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
