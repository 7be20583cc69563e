"""How the margins of pairs of each label are distributed."""

import numpy as np
from numpy.typing import NDArray

from tools.views.reporting.charts.axes import HEIGHT, WIDTH, LegendEntry, Plot, frame, legend, plot_of
from tools.views.reporting.charts.drawing import Box, Drawing, Label, Line, Mark, Role

NUM_BINS = 48


def score_histogram(margins: NDArray[np.float64], same: NDArray[np.bool_], threshold: float) -> Drawing:
    """Return the histograms of the B margins (B,) of both labels (B,), in equal bins, and the threshold as a line."""
    low, high = _range(margins, threshold)
    edges = np.linspace(low, high, NUM_BINS + 1)
    num_same = np.histogram(margins[same], edges)[0]
    num_different = np.histogram(margins[~same], edges)[0]
    plot = plot_of((low, high), (0, 1.08 * max(1, num_same.max(), num_different.max())))
    return Drawing(
        WIDTH,
        HEIGHT,
        "Distribution of the margins",
        _description(margins, same, threshold),
        (
            *frame(plot, "margin (match − threshold score)", "pairs"),
            *_bars(plot, edges, num_different, Role.DIFFERENT, "different products"),
            *_bars(plot, edges, num_same, Role.SAME, "the same product"),
            *threshold_line(plot, threshold),
            *legend(
                [
                    LegendEntry("the same product", Role.SAME, filled=True),
                    LegendEntry("different products", Role.DIFFERENT, filled=True),
                    LegendEntry("threshold", Role.INK, dashed=True),
                ]
            ),
        ),
    )


def threshold_line(plot: Plot, threshold: float) -> tuple[Mark, ...]:
    """Return the upright line at a decision threshold, with its value."""
    x = plot.x(threshold)
    return (
        Line(((x, plot.y.start), (x, plot.y.end)), Role.INK, 1.5, dashed=True),
        Label((x, plot.y.end - 5), f"{threshold:.3g}".replace("-", "−"), Role.INK, "middle"),
    )


def _range(margins: NDArray[np.float64], threshold: float) -> tuple[float, float]:
    low, high = min(float(margins.min()), threshold), max(float(margins.max()), threshold)
    room = 0.02 * (high - low) or 0.5
    return low - room, high + room


def _bars(plot: Plot, edges: NDArray[np.float64], counts: NDArray[np.int64], role: Role, name: str) -> list[Mark]:
    bars: list[Mark] = []
    for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True):
        if count:
            top = plot.y(float(count))
            hint = f"{count:,} pairs of {name}, margin {left:.3g} to {right:.3g}"
            x = plot.x(float(left))
            bars.append(Box(x, top, plot.x(float(right)) - x, plot.y.start - top, role, 0.5, hint))
    return [*bars, _outline(plot, edges, counts, role)]


def _outline(plot: Plot, edges: NDArray[np.float64], counts: NDArray[np.int64], role: Role) -> Line:
    """Return the upper edge of the bars, which stays visible where the other label's bars lie over them."""
    xs = np.repeat(edges, 2)
    ys = np.concatenate([[0], np.repeat(counts, 2), [0]])
    return plot.curve(zip(xs.tolist(), ys.tolist(), strict=True), role, 1.5)


def _description(margins: NDArray[np.float64], same: NDArray[np.bool_], threshold: float) -> str:
    parts = [
        f"{len(chosen):,} pairs labelled {name} have margins from {chosen.min():.3g} to {chosen.max():.3g}, the median "
        f"{np.median(chosen):.3g}, {np.mean(chosen > threshold):.1%} of them above the threshold."
        for name, chosen in (("the same", margins[same]), ("different", margins[~same]))
        if len(chosen)
    ]
    return " ".join([f"Two histograms. The threshold is {threshold:.3g}.", *parts])
