import math

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from tests.tools.views.reporting.synthetic import invented_report
from tools.views.chart import Chart, new_chart
from tools.views.colours import LIGHT, Role
from tools.views.reporting.charts import (
    FEW_POINTS,
    decision_charts,
    draw_series,
    score_histogram,
    score_scatter,
)

MARGINS = np.random.default_rng(0).normal(0, 3, 500)
SAME = np.random.default_rng(1).random(500) < 0.3


def bars(chart: Chart, role: Role) -> list[Rectangle]:
    found = [bar for bar in chart.axes.patches if isinstance(bar, Rectangle)]
    return [bar for bar in found if to_hex(bar.get_facecolor()) == LIGHT[role] and bar.get_height()]


def chart_of(**series: list[tuple[float, float]]) -> Chart:
    chart = new_chart("", "", "", "", (0, 10), (0, 3))
    draw_series(chart, {name: np.array(points) for name, points in series.items()})
    return chart


def num_dots(chart: Chart) -> int:
    return sum(line.get_marker() == "o" for line in chart.axes.lines)


@pytest.mark.parametrize(("role", "num_pairs"), [(Role.SAME, SAME.sum()), (Role.DIFFERENT, (~SAME).sum())])
def test_the_bars_of_a_label_hold_all_its_pairs_and_say_how_many(role: Role, num_pairs: int) -> None:
    chart = score_histogram(MARGINS, SAME, 0.5)
    found = bars(chart, role)
    assert sum(bar.get_height() for bar in found) == num_pairs
    assert [int(chart.hints[str(bar.get_gid())].split()[0]) for bar in found] == [bar.get_height() for bar in found]


def test_the_threshold_line_divides_the_bars_as_the_threshold_divides_the_pairs() -> None:
    chart = score_histogram(MARGINS, SAME, 0.5)
    found = bars(chart, Role.SAME)
    below = sum(bar.get_height() for bar in found if bar.get_x() + bar.get_width() <= 0.5)
    up_to = sum(bar.get_height() for bar in found if bar.get_x() <= 0.5)
    assert below <= (MARGINS[SAME] <= 0.5).sum() <= up_to
    (line,) = [line for line in chart.axes.lines if line.get_label() == "threshold"]
    assert set(line.get_xdata()) == {0.5}
    assert [text.get_text() for text in chart.axes.texts] == ["0.5"]
    assert "0.5" in chart.description


@pytest.mark.parametrize("margins", [np.zeros(3), np.array([1e9, 1e9, 1e9])])
def test_equal_margins_of_one_label_have_a_chart_too(margins: np.ndarray) -> None:
    chart = score_histogram(margins, np.ones(3, np.bool_), float(margins[0]))
    (bar,) = bars(chart, Role.SAME)
    assert bar.get_height() == 3 < chart.axes.get_ylim()[1]


def test_a_value_that_is_not_finite_interrupts_the_line_and_has_no_dot() -> None:
    chart = chart_of(a=[(0.0, 1.0), (1.0, 2.0), (2.0, math.nan), (3.0, 1.0), (4.0, 3.0)])
    np.testing.assert_array_equal(chart.axes.lines[0].get_ydata(), [1, 2, math.nan, 1, 3])
    assert num_dots(chart) == 4


def test_series_differ_in_more_than_colour() -> None:
    chart = chart_of(a=[(0.0, 1.0), (1.0, 2.0)], b=[(0.0, 1.0), (1.0, 2.0)])
    lines = {line.get_label(): line for line in chart.axes.lines if line.get_label() in ("a", "b")}
    assert [lines[name].get_linestyle() for name in "ab"] == ["-", "--"]
    assert len({lines[name].get_color() for name in "ab"}) == 2


def test_points_are_marked_where_they_are_few() -> None:
    few = chart_of(a=[(float(x), 0.5) for x in range(FEW_POINTS)])
    many = chart_of(a=[(float(x), 0.5) for x in range(FEW_POINTS + 1)])
    assert (num_dots(few), num_dots(many)) == (FEW_POINTS, 0)
    assert few.hints["hint-3"] == "a: 0.5 at 3"


def test_the_chosen_threshold_stands_out_in_both_charts_of_decisions() -> None:
    for chart in decision_charts(invented_report()):
        assert [hint for hint in chart.hints.values() if hint.startswith("F1 ")] == [
            chart.description.partition(": ")[2].rstrip(".")
        ]


def test_the_scatter_has_a_dot_for_every_pair_in_the_colour_of_its_label() -> None:
    data = invented_report()
    chart = score_scatter(data)
    assert chart is not None
    (dots,) = chart.axes.collections
    np.testing.assert_allclose(dots.get_offsets(), np.stack([data.pairs.threshold, data.pairs.match], axis=1))
    colours = [LIGHT[Role.SAME if same else Role.DIFFERENT] for same in data.pairs.same]
    assert [to_hex(colour) for colour in dots.get_facecolor()] == colours
