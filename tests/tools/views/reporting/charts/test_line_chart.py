import math

from tools.views.reporting.charts.drawing import Dot, Line, Role
from tools.views.reporting.charts.line_chart import FEW_POINTS, LineChart, Series, draw_lines


def curves(chart: LineChart, role: Role) -> list[Line]:
    return [
        mark for mark in draw_lines(chart).marks if isinstance(mark, Line) and mark.role == role and mark.width == 2
    ]


def chart(*series: Series) -> LineChart:
    return LineChart("title", "description", "x", "y", series)


def test_a_higher_value_is_drawn_further_up_and_a_later_one_further_right() -> None:
    (line, _legend) = curves(chart(Series("a", ((0, 1), (5, 3), (10, 2)))), Role.SAME)
    (x0, y0), (x1, y1), (x2, y2) = line.points
    assert x0 < x1 < x2
    assert y1 < y2 < y0


def test_a_value_that_is_not_finite_interrupts_the_line() -> None:
    points = ((0.0, 1.0), (1.0, 2.0), (2.0, math.nan), (3.0, 1.0), (4.0, 3.0))
    first, second, _legend = curves(chart(Series("a", points)), Role.SAME)
    assert [len(first.points), len(second.points)] == [2, 2]


def test_series_differ_in_more_than_colour() -> None:
    series = [Series(name, ((0.0, 1.0), (1.0, 2.0))) for name in "ab"]
    drawn = chart(*series)
    assert not any(line.dashed for line in curves(drawn, Role.SAME))
    assert all(line.dashed for line in curves(drawn, Role.DIFFERENT))


def test_points_are_marked_where_they_are_few() -> None:
    few = chart(Series("a", tuple((float(x), 0.5) for x in range(FEW_POINTS))))
    many = chart(Series("a", tuple((float(x), 0.5) for x in range(FEW_POINTS + 1))))
    assert sum(isinstance(mark, Dot) for mark in draw_lines(few).marks) == FEW_POINTS
    assert not any(isinstance(mark, Dot) for mark in draw_lines(many).marks)
