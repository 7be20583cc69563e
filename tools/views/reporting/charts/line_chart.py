"""Lines over a common axis."""

from dataclasses import dataclass

from tools.views.reporting.charts.axes import (
    HEIGHT,
    WIDTH,
    LegendEntry,
    Range,
    extent,
    finite_runs,
    frame,
    legend,
    plot_of,
)
from tools.views.reporting.charts.drawing import Dot, Drawing, Mark, Point, Role
from tools.views.reporting.charts.histogram import threshold_line

FEW_POINTS = 40
"""Up to so many points of a series are marked."""
STYLES = ((Role.SAME, False), (Role.DIFFERENT, True), (Role.MUTED, True))
"""Role of each series in turn, and whether it is dashed: told apart without colours, too."""
REFERENCE_STYLE = (Role.MUTED, True)


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart."""

    name: str
    points: tuple[Point, ...]
    is_reference: bool = False
    """Whether it is not of what the chart shows, but to compare it with."""


@dataclass(frozen=True, slots=True)
class LineChart:
    """What a line chart shows; of at most three series."""

    title: str
    description: str
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    x_range: Range | None = None
    """None for that of the points."""
    y_range: Range | None = None
    """None for that of the points."""
    chosen: tuple[Point, str] | None = None
    """A point that stands out, and what it is."""
    threshold: float | None = None
    """Where on the x axis a decision threshold is marked."""


def draw_lines(chart: LineChart) -> Drawing:
    """Return the chart's drawing; points that are not finite interrupt their line."""
    points = [point for series in chart.series for point in series.points]
    x_range = chart.x_range or extent(x for x, _ in points)
    y_range = chart.y_range or _with_room(extent(y for _, y in points))
    plot = plot_of(x_range, y_range)
    marks: list[Mark] = [*frame(plot, chart.x_title, chart.y_title)]
    entries = []
    for series, style in zip(chart.series, STYLES, strict=False):
        role, dashed = REFERENCE_STYLE if series.is_reference else style
        entries.append(LegendEntry(series.name, role, dashed))
        runs = finite_runs(series.points)
        marks += [plot.curve(run, role, dashed=dashed) for run in runs if len(run) > 1]
        finite = [point for run in runs for point in run]
        if len(finite) <= FEW_POINTS and not series.is_reference:
            marks += [Dot(plot.place(x, y), 2.5, role, f"{series.name}: {y:.4g} at {x:,.4g}") for x, y in finite]
    if chart.threshold is not None:
        marks += threshold_line(plot, chart.threshold)
        entries.append(LegendEntry("threshold", Role.INK, dashed=True))
    if chart.chosen is not None:
        (x, y), text = chart.chosen
        marks.append(Dot(plot.place(x, y), 5.0, Role.INK, text))
    return Drawing(WIDTH, HEIGHT, chart.title, chart.description, (*marks, *legend(entries)))


def _with_room(span: Range) -> Range:
    low, high = span
    room = 0.05 * (high - low)
    return (0.0 if 0 <= low < room * 10 else low - room), high + room
