"""The frame of a chart: scales, ticks, grid, titles and legend."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.views.reporting.charts.drawing import Box, Label, Line, Mark, Point, Role

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 42, 46
"""Margins around the plot, which hold the labels."""
CHARACTER_WIDTH = 6.6
"""Mean width of a legend's characters."""
SWATCH = 16
"""Length of a legend's colour sample."""

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """The linear way from values low..high to pixels start..end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value, of the nearest end for one that lies outside."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Plot:
    """The scales of a chart's two axes."""

    x: Scale
    y: Scale

    def place(self, x: float, y: float) -> Point:
        """Return the pixel of a point."""
        return self.x(x), self.y(y)

    def curve(self, points: Iterable[Point], role: Role, width: float = 2.0, dashed: bool = False) -> Line:
        """Return a line through points given as values."""
        return Line(tuple(self.place(x, y) for x, y in points), role, width, dashed)


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A name of the legend and how its marks look."""

    text: str
    role: Role
    dashed: bool = False
    filled: bool = False


def plot_of(x_range: Range, y_range: Range) -> Plot:
    """Return the scales of a chart of the usual size; a range without extent is widened."""
    (left, right), (low, high) = _with_extent(x_range), _with_extent(y_range)
    return Plot(Scale(left, right, LEFT, WIDTH - RIGHT), Scale(low, high, HEIGHT - BOTTOM, TOP))


def frame(plot: Plot, x_title: str, y_title: str) -> tuple[Mark, ...]:
    """Return grid, ticks and titles of both axes."""
    marks: list[Mark] = []
    for value, text in ticks(plot.y.low, plot.y.high):
        y = plot.y(value)
        marks += [Line(((LEFT, y), (WIDTH - RIGHT, y)), Role.GRID), Label((LEFT - 7, y + 4), text, Role.MUTED, "end")]
    base = HEIGHT - BOTTOM
    for value, text in ticks(plot.x.low, plot.x.high):
        x = plot.x(value)
        marks += [Line(((x, base), (x, base + 4)), Role.MUTED), Label((x, base + 18), text, Role.MUTED, "middle")]
    marks.append(Line(((LEFT, base), (WIDTH - RIGHT, base)), Role.MUTED))
    marks.append(Label(((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8), x_title, Role.INK, "middle"))
    marks.append(Label((14, (TOP + base) / 2), y_title, Role.INK, "middle", upwards=True))
    return tuple(marks)


def legend(entries: Sequence[LegendEntry]) -> tuple[Mark, ...]:
    """Return the names of a chart's series above the plot, from left to right."""
    marks: list[Mark] = []
    left = float(LEFT)
    for entry in entries:
        if entry.filled:
            marks.append(Box(left, 11, SWATCH, 10, entry.role, 0.6))
        else:
            marks.append(Line(((left, 16), (left + SWATCH, 16)), entry.role, 2.0, entry.dashed))
        marks.append(Label((left + SWATCH + 6, 20), entry.text, Role.INK))
        left += SWATCH + 22 + CHARACTER_WIDTH * len(entry.text)
    return tuple(marks)


def ticks(low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
    """Return at most `most` round values within low..high, evenly spaced by 1, 2 or 5 times a power of ten.

    Each comes with its text, all of as many decimals as the step needs.
    """
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [number * step for number in range(first, last + 1)]
    largest = max(abs(low), abs(high))
    return [(value, _tick_text(value, step, largest)) for value in values]


def _tick_text(value: float, step: float, largest: float) -> str:
    if value and not 0.01 <= largest < 1e7:
        digits = max(0, _magnitude(abs(value)) - _magnitude(step))
        mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
        short = mantissa.rstrip("0").rstrip(".") if digits else mantissa
        return f"{short}e{int(exponent)}".replace("-", "−")
    decimals = max(0, -_magnitude(step))
    return f"{value:,.{decimals}f}".replace("-", "−") if value else "0"


def _magnitude(value: float) -> int:
    return math.floor(math.log10(value) + 1e-9)


def extent(values: Iterable[float]) -> Range:
    """Return the least and the greatest of the finite values; 0..1 where there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else (0.0, 1.0)


def finite_runs(points: Iterable[Point]) -> list[list[Point]]:
    """Return the runs of points between those that are not finite."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if all(map(math.isfinite, point)):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _with_extent(span: Range) -> Range:
    low, high = span
    largest = max(abs(low), abs(high))
    room = 0.5 * largest or 0.5
    return (low, high) if high - low > 1e-6 * largest else (low - room, high + room)
