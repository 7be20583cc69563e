import math

import numpy as np
import pytest

from metrics.verification import VerificationMetrics, precision_recall_curve, verification_metrics


def test_figures_agree_with_a_confusion_matrix_counted_by_hand() -> None:
    margins = np.array([2.0, 1.0, 0.5, -0.5, -1.0])
    same = np.array([True, False, True, True, False])

    assert verification_metrics(margins, same, 0.0) == VerificationMetrics(
        f1=2 / 3,
        precision=2 / 3,
        recall=2 / 3,
        accuracy=3 / 5,
        num_pairs=5,
        num_positives=3,
        num_positives_predicted=3,
        num_hits=2,
    )


def test_figures_agree_with_a_slow_count_on_random_pairs() -> None:
    generator = np.random.default_rng(0)
    for threshold in (-1.0, 0.0, 0.7):
        margins = generator.normal(size=200).round(1)
        same = generator.random(200) < 0.3
        counts = {(predicted, label): 0 for predicted in (True, False) for label in (True, False)}
        for margin, label in zip(margins, same, strict=True):
            counts[bool(margin > threshold), bool(label)] += 1
        precision = counts[True, True] / (counts[True, True] + counts[True, False])
        recall = counts[True, True] / (counts[True, True] + counts[False, True])

        metrics = verification_metrics(margins, same, threshold)

        assert metrics.precision == precision
        assert metrics.recall == recall
        assert metrics.f1 == pytest.approx(2 * precision * recall / (precision + recall), rel=1e-12)
        assert metrics.accuracy == (counts[True, True] + counts[False, False]) / 200


def test_a_margin_equal_to_the_threshold_is_not_the_same_product() -> None:
    metrics = verification_metrics(np.array([1.65, 1.66]), np.array([True, True]), 1.65)

    assert metrics.num_positives_predicted == 1
    assert metrics.recall == 0.5


@pytest.mark.parametrize(("margin", "same", "accuracy"), [(-1.0, True, 0.0), (-1.0, False, 1.0), (1.0, False, 0.0)])
def test_undefined_ratios_are_zero(margin: float, same: bool, accuracy: float) -> None:
    metrics = verification_metrics(np.array([margin]), np.array([same]), 0.0)

    assert (metrics.f1, metrics.precision, metrics.recall) == (0.0, 0.0, 0.0)
    assert metrics.accuracy == accuracy


def test_float32_margins_are_compared_in_float64() -> None:
    margins = np.array([1.0], dtype=np.float32)

    assert verification_metrics(margins, np.array([True]), 1.0 - 1e-12).recall == 1.0


def test_figures_are_plain_python_numbers() -> None:
    metrics = verification_metrics(np.array([1.0, -1.0]), np.array([True, False]), 0.0)

    assert type(metrics.f1) is float
    assert type(metrics.accuracy) is float
    assert type(metrics.num_positives) is int


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_margin_that_is_not_finite_is_refused_with_its_row(bad: float) -> None:
    with pytest.raises(ValueError, match=r"1 of 3 margins are not finite, the first in row 2"):
        verification_metrics(np.array([0.0, 1.0, bad]), np.array([True, False, True]), 0.0)


def test_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no pair"):
        verification_metrics(np.array([]), np.array([], dtype=np.bool_), 0.0)


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        verification_metrics(np.array([0.0, 1.0]), np.array([True]), 0.0)


def test_labels_that_are_not_bool_are_refused() -> None:
    with pytest.raises(ValueError, match="Labels must be bool; they are int64"):
        verification_metrics(np.array([0.0, 1.0]), np.array([0, 1], dtype=np.int64), 0.0)  # type: ignore[arg-type]


def test_a_threshold_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold is not a number"):
        verification_metrics(np.array([0.0]), np.array([True]), math.nan)


def test_pairs_may_have_thresholds_of_their_own() -> None:
    margins, same = np.array([1.0, 1.0, 3.0]), np.array([True, False, True])

    metrics = verification_metrics(margins, same, np.array([0.5, 1.0, 4.0]))

    assert (metrics.precision, metrics.recall) == (1.0, 0.5)
    with pytest.raises(ValueError, match="threshold is not a number"):
        verification_metrics(margins, same, np.array([0.5, math.nan, 4.0]))


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


def test_the_curve_of_margins_that_are_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        precision_recall_curve(np.array([np.nan, 1.0]), np.array([True, False]))
