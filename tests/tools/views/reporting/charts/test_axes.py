import itertools
import math

import pytest

from tools.views.reporting.charts.axes import Scale, extent, finite_runs, plot_of, ticks


def test_a_scale_leads_from_end_to_end_and_keeps_what_lies_outside_at_the_nearer_end() -> None:
    scale = Scale(-2, 2, 100, 300)
    assert [scale(value) for value in (-2, 0, 1, 2, 9, -9)] == [100, 200, 250, 300, 300, 100]


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1), (-15.3, 3.2), (0, 2e-6), (3, 9e8), (-1e-3, 1e-3), (17.01, 17.02), (1.95e-6, 2e-6), (3e9, 3e9 + 1e5)],
)
def test_ticks_are_few_within_the_range_evenly_spaced_and_told_apart(low: float, high: float) -> None:
    values = [value for value, _ in ticks(low, high)]
    texts = [text for _, text in ticks(low, high)]
    assert 2 <= len(values) <= 6
    room = 1e-9 * (high - low)
    assert all(low - room <= value <= high + room for value in values)
    steps = [later - earlier for earlier, later in itertools.pairwise(values)]
    assert all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps)
    assert len(set(texts)) == len(texts)


def test_tick_texts_are_short_and_have_a_true_minus_sign() -> None:
    assert [text for _, text in ticks(-1, 1)] == ["−1.0", "−0.5", "0", "0.5", "1.0"]
    assert [text for _, text in ticks(0, 0.003)] == ["0", "1e−3", "2e−3", "3e−3"]
    assert [text for _, text in ticks(1.95e-6, 2e-6)][-2:] == ["1.99e−6", "2e−6"]
    assert [text for _, text in ticks(0, 4000)] == ["0", "1,000", "2,000", "3,000", "4,000"]


@pytest.mark.parametrize("value", [0.0, 5.0, -3e9, 1e-12])
def test_a_range_without_extent_is_widened(value: float) -> None:
    plot = plot_of((value, value), (value, value))
    assert plot.x.low < value < plot.x.high
    assert len(ticks(plot.y.low, plot.y.high)) >= 2


@pytest.mark.parametrize(("low", "high"), [(1.95e-6, 2e-6), (0, 1e-9), (-1e-12, 0), (3e9, 3.1e9)])
def test_a_small_range_of_small_values_is_kept(low: float, high: float) -> None:
    plot = plot_of((low, high), (0, 1))
    assert (plot.x.low, plot.x.high) == (low, high)


@pytest.mark.parametrize("value", [2e-6, 0.0, -3e9])
def test_the_ticks_around_a_single_value_name_values_of_its_size(value: float) -> None:
    plot = plot_of((value, value), (0, 1))
    values = [abs(tick) for tick, _ in ticks(plot.x.low, plot.x.high)]
    assert max(values) <= 1.5 * (abs(value) or 1.0)


def test_the_extent_passes_over_what_is_not_finite() -> None:
    assert extent([3, math.nan, -1, math.inf]) == (-1, 3)
    assert extent([math.nan]) == (0, 1)


def test_points_that_are_not_finite_end_a_run() -> None:
    assert finite_runs([(0, 1), (1, math.nan), (2, 2), (3, 3), (4, math.inf)]) == [[(0, 1)], [(2, 2), (3, 3)]]
