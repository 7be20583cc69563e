import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.threshold import best_f1_threshold
from metrics.verification import verification_metrics

# Few distinct values make ties of margins and of F1; the free floats reach sparse and subnormal numbers.
labelled_margins = st.one_of(
    st.lists(st.tuples(st.integers(-4, 4).map(float), st.booleans()), min_size=1, max_size=30),
    st.lists(st.tuples(st.floats(-1e300, 1e300), st.booleans()), min_size=1, max_size=30),
).filter(lambda pairs: any(same for _, same in pairs))


def exact_f1(pairs: list[tuple[float, bool]], threshold: float) -> Fraction:
    hits = sum(same for margin, same in pairs if margin > threshold)
    predicted = sum(margin > threshold for margin, _ in pairs)
    return Fraction(2 * hits, predicted + sum(same for _, same in pairs))


def arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([margin for margin, _ in pairs]), np.array([same for _, same in pairs])


@given(labelled_margins)
def test_no_threshold_has_a_higher_f1(pairs: list[tuple[float, bool]]) -> None:
    # Every decision that thresholds can make is made by -inf or by a margin as the threshold.
    best = max(exact_f1(pairs, threshold) for threshold in [-math.inf, *(margin for margin, _ in pairs)])

    choice = best_f1_threshold(*arrays(pairs))

    assert exact_f1(pairs, choice.threshold) == best
    assert choice.f1 == float(best)


@given(labelled_margins)
def test_of_equal_f1_the_highest_threshold_is_chosen(pairs: list[tuple[float, bool]]) -> None:
    choice = best_f1_threshold(*arrays(pairs))

    higher = [margin for margin, _ in pairs if margin > choice.threshold]
    assert all(exact_f1(pairs, margin) < exact_f1(pairs, choice.threshold) for margin in higher)


@given(labelled_margins)
def test_figures_are_those_of_the_threshold(pairs: list[tuple[float, bool]]) -> None:
    margins, same = arrays(pairs)

    choice = best_f1_threshold(margins, same)

    metrics = verification_metrics(margins, same, choice.threshold)
    assert (choice.f1, choice.precision, choice.recall) == (metrics.f1, metrics.precision, metrics.recall)
    assert math.isfinite(choice.threshold)


@given(labelled_margins, st.randoms())
def test_the_order_of_the_pairs_does_not_matter(pairs: list[tuple[float, bool]], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert best_f1_threshold(*arrays(shuffled)) == best_f1_threshold(*arrays(pairs))


def test_threshold_lies_midway_between_the_neighbouring_margins() -> None:
    choice = best_f1_threshold(np.array([3.0, 2.0, 1.0, -4.0]), np.array([True, True, False, False]))

    assert choice.threshold == 1.5
    assert (choice.f1, choice.precision, choice.recall) == (1.0, 1.0, 1.0)


def test_threshold_lies_one_below_the_smallest_margin_where_all_are_best_taken() -> None:
    choice = best_f1_threshold(np.array([3.0, 2.0, -1.0]), np.array([False, True, True]))

    assert choice.threshold == -2.0
    assert choice.recall == 1.0


def test_equal_margins_are_taken_or_left_together() -> None:
    margins = np.array([1.0, 1.0, 1.0, 0.0])
    same = np.array([True, False, False, False])

    choice = best_f1_threshold(margins, same)

    assert choice.threshold == 0.5
    assert choice.precision == 1 / 3


def test_neighbouring_floats_are_separated() -> None:
    lower = np.float64(1.0)
    for _ in range(4):  # both parities of the last bit, for midway rounds to even
        upper = np.nextafter(lower, 2.0)
        assert best_f1_threshold(np.array([lower, upper]), np.array([False, True])).f1 == 1.0
        lower = upper


@pytest.mark.parametrize("margin", [1e308, -1e308, 5e-324, -5e-324, 0.0])
def test_a_single_pair_is_taken_whatever_its_size(margin: float) -> None:
    choice = best_f1_threshold(np.array([margin]), np.array([True]))

    assert choice.f1 == 1.0
    assert math.isfinite(choice.threshold)


def test_midway_between_very_large_margins_does_not_overflow() -> None:
    choice = best_f1_threshold(np.array([1.6e308, 1.2e308]), np.array([True, False]))

    assert choice.threshold == pytest.approx(1.4e308)


def test_float32_margins_are_separated_as_well() -> None:
    margins = np.array([1.0, np.nextafter(np.float32(1.0), np.float32(2.0))], dtype=np.float32)

    assert best_f1_threshold(margins, np.array([False, True])).f1 == 1.0


def test_no_positive_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="No pair is labelled the same"):
        best_f1_threshold(np.array([1.0, 2.0]), np.array([False, False]))


def test_a_margin_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        best_f1_threshold(np.array([1.0, math.nan]), np.array([True, False]))


def test_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no pair"):
        best_f1_threshold(np.array([]), np.array([], dtype=np.bool_))
