import numpy as np
import pytest

from metrics.precision_recall import precision_recall_curve
from metrics.verification import verification_metrics


@pytest.mark.parametrize("distinct", [5, 1000])
def test_every_point_has_the_figures_of_its_threshold(distinct: int) -> None:
    rng = np.random.default_rng(0)
    margins = rng.integers(0, distinct, 300) / 7
    same = rng.random(300) < 0.3
    curve = precision_recall_curve(margins, same, num_thresholds=20)
    for place, threshold in enumerate(curve.thresholds):
        expected = verification_metrics(margins, same, float(threshold))
        assert curve.precision[place] == expected.precision
        assert curve.recall[place] == expected.recall
        assert curve.num_predicted[place] == expected.num_positives_predicted
    assert (curve.num_positives, curve.num_pairs) == (int(same.sum()), 300)


def test_the_curve_starts_with_all_pairs_taken_and_its_thresholds_ascend() -> None:
    margins = np.array([3.0, 1.0, 2.0, 1.0])
    curve = precision_recall_curve(margins, np.array([True, False, False, True]))
    assert curve.num_predicted[0] == 4
    assert curve.recall[0] == 1
    assert len(curve.thresholds) == 127
    assert (np.diff(curve.thresholds) >= 0).all()
    assert curve.num_predicted[-1] >= 1


def test_labels_of_one_kind_have_a_curve_too() -> None:
    curve = precision_recall_curve(np.array([1.0, 2.0]), np.array([False, False]))
    assert not curve.recall.any()
    assert not curve.precision.any()


def test_margins_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        precision_recall_curve(np.array([np.nan, 1.0]), np.array([True, False]))
