"""A chart: axes, marks and legend drawn by matplotlib, as SVG in the colours of a page or as a file of its own.

Lengths are in pixels of a page at its usual size, which are matplotlib's points.
"""

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from matplotlib.transforms import nonsingular
from numpy.typing import ArrayLike, NDArray

from engine.disk import whole_path
from tools.views.colours import LIGHT, Role

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 66, 20, 46, 46
"""Margins around the plot, which hold the labels."""
FONT_SIZE = 12
POINTS_PER_INCH = 72
PIXELS_A_POINT = 3
"""Of PNG files."""
DASHES = (0, (3.5, 2.5))
BARS_OPACITY = 0.5

Range = tuple[float, float]
Point = tuple[float, float]


class _TickTexts(ScalarFormatter):
    """Ticks of one number of decimals and, with a power of ten beside the axis, of few digits."""

    def __init__(self) -> None:
        super().__init__(useOffset=False)
        self.set_powerlimits((-3, 7))

    def __call__(self, x: float, pos: int | None = None) -> str:
        return re.sub(r"\d+", lambda digits: f"{int(digits[0]):,}", super().__call__(x, pos), count=1)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that marks are drawn on, the later ones on top."""

    title: str
    description: str
    """What the chart shows, for those who do not see it."""
    figure: Figure
    axes: Axes
    hints: dict[str, str] = field(default_factory=dict)
    """What is shown where the pointer rests on a mark, by the mark's identifier."""

    def line(
        self, points: ArrayLike, role: Role, name: str | None = None, width: float = 2.0, is_dashed: bool = False
    ) -> None:
        """Draw a line through points (n, 2), named in the legend; points that are not finite interrupt it."""
        style = DASHES if is_dashed else "-"
        xs, ys = np.asarray(points, np.float64).T
        self.axes.plot(xs, ys, color=LIGHT[role], linewidth=width, linestyle=style, label=name, clip_on=False)

    def dot(self, place: Point, radius: float, role: Role, hint: str = "") -> None:
        """Draw a filled circle."""
        (mark,) = self.axes.plot(
            *place, marker="o", markersize=2 * radius, markeredgewidth=0, color=LIGHT[role], linewidth=0,
            clip_on=False, zorder=3,
        )  # fmt: skip
        self._hint(mark, hint)

    def bars(self, edges: NDArray[np.float64], counts: NDArray[np.int64], role: Role, hint: str) -> None:
        """Draw a bar between each two edges, translucent, and the upper edge of all of them.

        `hint` is filled in with the `count` of a bar and its edges `left` and `right`.
        """
        colour, filled = LIGHT[role], np.flatnonzero(counts)
        left, width = edges[filled], np.diff(edges)[filled]
        drawn = self.axes.bar(
            left, counts[filled], width, align="edge", color=colour, alpha=BARS_OPACITY, clip_on=False
        )
        for bar, place in zip(drawn, filled, strict=True):
            self._hint(bar, hint.format(count=counts[place], left=edges[place], right=edges[place + 1]))
        self.axes.stairs(counts, edges, color=colour, linewidth=1.5, clip_on=False)

    def threshold(self, threshold: float) -> None:
        """Draw an upright line at a decision threshold, with its value above."""
        self.line([(threshold, y) for y in self.axes.get_ylim()], Role.INK, "threshold", 1.5, is_dashed=True)
        self.axes.annotate(
            f"{threshold:.3g}".replace("-", "−"), (threshold, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
            textcoords="offset points", ha="center", color=LIGHT[Role.INK], fontsize=FONT_SIZE,
        )  # fmt: skip

    def legend(self, filled: Sequence[tuple[Role, str]] = ()) -> None:
        """Draw names above the plot, from left to right: those of filled marks by their role, then those of lines."""
        marks = [Patch(facecolor=LIGHT[role], alpha=0.6, label=name) for role, name in filled]
        lines, _ = self.axes.get_legend_handles_labels()
        self.axes.legend(
            handles=[*marks, *lines], loc="upper left", bbox_to_anchor=(LEFT / WIDTH, 1 - 6 / HEIGHT),
            bbox_transform=self.figure.transFigure, borderaxespad=0, ncols=len(marks) + len(lines), frameon=False,
            fontsize=FONT_SIZE, labelcolor=LIGHT[Role.INK], handlelength=1.3, handletextpad=0.5, columnspacing=1.1,
            borderpad=0,
        )  # fmt: skip

    def _hint(self, mark: Artist, hint: str) -> None:
        if hint:
            identifier = f"hint-{len(self.hints)}"
            mark.set_gid(identifier)
            self.hints[identifier] = hint


def new_chart(title: str, description: str, x_title: str, y_title: str, x_range: Range, y_range: Range) -> Chart:
    """Return a chart of the usual size with its axes; a range without extent is widened."""
    figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, HEIGHT / POINTS_PER_INCH))
    place = (LEFT / WIDTH, BOTTOM / HEIGHT, (WIDTH - LEFT - RIGHT) / WIDTH, (HEIGHT - TOP - BOTTOM) / HEIGHT)
    axes = figure.add_axes(place, facecolor="none")
    axes.set_xlim(nonsingular(*x_range, expander=0.5, tiny=1e-6))
    axes.set_ylim(nonsingular(*y_range, expander=0.5, tiny=1e-6))
    muted, ink = LIGHT[Role.MUTED], LIGHT[Role.INK]
    for axis, label in ((axes.xaxis, x_title), (axes.yaxis, y_title)):
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(_TickTexts())
        axis.offsetText.set(color=muted, fontsize=FONT_SIZE)
        axis.set_label_text(label, color=ink, fontsize=FONT_SIZE)
    axes.xaxis.set_label_coords((LEFT + WIDTH - RIGHT) / 2 / WIDTH, 8 / HEIGHT, figure.transFigure)
    axes.xaxis.label.set(va="baseline")
    axes.yaxis.set_label_coords(16 / WIDTH, (BOTTOM + HEIGHT - TOP) / 2 / HEIGHT, figure.transFigure)
    axes.yaxis.label.set(rotation_mode="anchor", ha="center", va="baseline")
    axes.tick_params(color=muted, labelcolor=muted, labelsize=FONT_SIZE, pad=5, width=1)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=LIGHT[Role.GRID], linewidth=1, clip_on=False)
    axes.set_axisbelow(True)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set(color=muted, linewidth=1)
    return Chart(title, description, figure, axes)


def extent(values: ArrayLike) -> Range:
    """Return the least and the greatest of the finite values; 0..1 where there are none."""
    array = np.asarray(values, np.float64)
    finite = array[np.isfinite(array)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def inline_svg(chart: Chart, identifier: str) -> Markup:
    """Return the SVG element for a page, whose style sheet has the variables of the colours and the font.

    `identifier` is a name that no other element of the page has.
    """
    root = _svg(chart, identifier, "none")
    title, description = root[0], root[1]
    title.set("id", f"{identifier}-title")
    description.set("id", f"{identifier}-description")
    root.attrib |= {
        "class": "chart",
        "role": "img",
        "aria-labelledby": f"{identifier}-title",
        "aria-describedby": f"{identifier}-description",
    }
    text = ElementTree.tostring(root, encoding="unicode")
    for role, colour in LIGHT.items():
        text = text.replace(f'"{colour}"', f'"var(--{role})"')
    return Markup(text)  # ElementTree has escaped all texts


def standalone_svg(chart: Chart) -> str:
    """Return the text of an SVG file, in the colours of the light theme."""
    root = _svg(chart, "chart", "white")
    size = {"width": str(2 * WIDTH), "height": str(2 * HEIGHT)}
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size}
    style = ElementTree.Element("style")
    style.text = f"text{{font:{FONT_SIZE}px sans-serif}}"
    root.insert(2, style)
    return f"{ElementTree.tostring(root, encoding='unicode')}\n"


def write_png(figure: Figure, file: Path) -> None:
    """Write a figure as a PNG file, whole or not at all, and make its folder; raises UserError where it cannot."""
    with whole_path(file) as temporary, _no_word_of_missing_glyphs():
        figure.savefig(temporary, format="png", dpi=PIXELS_A_POINT * POINTS_PER_INCH, metadata={"Software": None})


def _svg(chart: Chart, salt: str, background: str) -> ElementTree.Element:
    """Return the elements of an SVG without namespace, style sheet and style attributes, which a page forbids."""
    text = io.StringIO()
    # Neither version nor date, so that the same chart has the same bytes.
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}), _no_word_of_missing_glyphs():
        chart.figure.savefig(text, format="svg", facecolor=background, metadata=metadata)
    root = ElementTree.fromstring(text.getvalue())
    root.remove(root[0])  # the style sheet
    used = {reference for element in root.iter() for name, reference in element.items() if name.endswith("}href")}
    for element in root.iter():
        hint = chart.hints.get(element.get("id", ""))
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = dict(_attributes(element.attrib, used))
        if hint is not None:
            element.insert(0, _text_element("title", hint))
    root.attrib = {"viewBox": f"0 0 {WIDTH} {HEIGHT}"}
    root.insert(0, _text_element("title", chart.title))
    root.insert(1, _text_element("desc", chart.description))
    return root


def _attributes(attributes: Mapping[str, str], used: set[str]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        if name == "style":
            declarations = (part.split(": ", 1) for part in value.split("; "))
            yield from ((key, style) for key, style in declarations if not key.startswith("font"))
        elif name.endswith("}href"):
            yield "href", value
        elif name == "d":
            yield name, " ".join(value.split())
        elif name != "id" or f"#{value}" in used:
            yield name, value


def _text_element(tag: str, text: str) -> ElementTree.Element:
    element = ElementTree.Element(tag)
    element.text = text
    return element


@contextmanager
def _no_word_of_missing_glyphs() -> Iterator[None]:
    """Draw signs that no font has as boxes, without a warning for each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield
