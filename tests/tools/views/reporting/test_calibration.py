import numpy as np
import pytest

from tools.views.reporting.calibration import fit_logistic, reliability

RNG = np.random.default_rng(0)
MARGINS = RNG.normal(2, 4, 4000)
SAME = RNG.random(4000) < 1 / (1 + np.exp(-(0.7 * MARGINS - 1)))


def mean_loss(intercept: float, slope: float) -> float:
    scores = intercept + slope * MARGINS
    return float(np.mean(np.logaddexp(0, np.where(SAME, -scores, scores))))


def test_the_fit_finds_the_curve_that_the_labels_were_drawn_from() -> None:
    fit = fit_logistic(MARGINS, SAME)
    assert fit.intercept == pytest.approx(-1, abs=0.15)
    assert fit.slope == pytest.approx(0.7, abs=0.05)


def test_no_neighbouring_curve_is_likelier() -> None:
    fit = fit_logistic(MARGINS, SAME)
    best = mean_loss(fit.intercept, fit.slope)
    for intercept, slope in ((0.1, 0), (-0.1, 0), (0, 0.05), (0, -0.05)):
        assert mean_loss(fit.intercept + intercept, fit.slope + slope) > best


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_labels_that_a_threshold_separates_have_a_finite_fit(scale: float) -> None:
    margins = scale * np.array([-3.0, -2.0, 2.0, 3.0])
    probability = fit_logistic(margins, margins > 0).probability(margins)
    assert np.isfinite(probability).all()
    assert (probability[:2] < 0.1).all()
    assert (probability[2:] > 0.9).all()


@pytest.mark.parametrize("same", [np.ones(5, np.bool_), np.zeros(5, np.bool_)])
def test_pairs_of_one_label_have_a_fit_that_says_so(same: np.ndarray) -> None:
    np.testing.assert_allclose(fit_logistic(np.arange(5.0), same).probability(np.arange(5.0)), same, atol=0.01)


def test_bins_hold_all_pairs_in_order_with_their_share_of_same_pairs() -> None:
    found = reliability(MARGINS, SAME, num_bins=8)
    assert sum(part.num_pairs for part in found.bins) == len(MARGINS)
    for part in found.bins:
        inside = (part.lowest_margin <= MARGINS) & (part.highest_margin >= MARGINS)
        assert part.num_pairs == inside.sum() == 500
        assert part.share_same == pytest.approx(SAME[inside].mean())
        assert part.mean_probability == pytest.approx(found.fit.probability(MARGINS[inside]).mean())
    expected = np.mean([abs(part.mean_probability - part.share_same) for part in found.bins])
    assert found.expected_error == pytest.approx(expected)
    assert found.brier == pytest.approx(np.mean((found.fit.probability(MARGINS) - SAME) ** 2))
