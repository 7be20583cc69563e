"""An explanation as a picture: heat maps over both items and the strongest effects as bars."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from numpy.typing import NDArray

from tools.views.chart import POINTS_PER_INCH
from tools.views.colours import LIGHT, Role
from tools.views.explaining.parts import SIDES, Effect, Explanation, Part, Picture, Side
from tools.views.page import change, shown, signed

WIDTH, PANEL, GAP, EDGE, LINE = 480, 218, 12, 16, 13
"""Points: width of all, side of a picture, space between parts and around them, height of a line."""
SHOWN_SIZE = 480
"""Pixels of the side of a picture that is given."""
NAMES = 190
"""Points of the names beside the bars."""
MOST_BARS = 1000
"""A picture of more would be higher than matplotlib draws one."""
LONGEST_NAME = 28
"""Characters of a name beside the bars."""
STRONGEST = 0.7
"""Share of the colour in the region that moves the margin most."""
FONT_SIZE = 7.5
CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC", "PingFang HK", "Heiti TC", "Microsoft YaHei", "SimHei",
)  # fmt: skip
"""Families of fonts with Chinese characters on Linux, macOS and Windows; of a collection, its first."""
LEGEND = "Without the part the margin falls (blue: it speaks for the same product) or rises (orange: against it)."


def explanation_picture(explanation: Explanation, pictures: Sequence[Picture | None], most_bars: int = 12) -> Figure:
    """Return the picture of an explanation; `pictures` are those of source and target, (size, size, 3) of any size.

    Where neither has one, there are the bars alone.
    The bars are numbered as the rows of the table. Where no font with Chinese characters is installed, words are
    named by their places alone.
    """
    strongest = explanation.strongest()[: min(most_bars, MOST_BARS)]
    chinese = chinese_font()
    panel = PANEL + GAP + LINE if any(picture is not None for picture in pictures) else 0
    height = panel + (len(strongest) + 2) * LINE + 3 * GAP + EDGE
    fonts = ["DejaVu Sans", *([chinese] if chinese else [])]
    # Names of others may have dollar signs, which are no formulas here.
    with rc_context({"font.family": fonts, "font.size": FONT_SIZE, "text.parse_math": False}):
        figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH))
        _heading(figure, explanation, height)
        top = height - GAP - 2 * LINE
        for number, (side, picture) in enumerate(zip(SIDES, pictures, strict=True) if panel else ()):
            left = EDGE + number * (PANEL + GAP)
            axes = _axes(figure, left, top - PANEL, PANEL, PANEL)
            _draw_picture(axes, explanation, side, picture)
            axes.set_xlabel(side, loc="left", color=LIGHT[Role.MUTED], labelpad=3)
        top -= panel + GAP
        figure.text(EDGE / WIDTH, top / height, LEGEND, color=LIGHT[Role.MUTED])
        if strongest:
            bars = len(strongest) * LINE
            axes = _axes(figure, NAMES, top - GAP - bars, WIDTH - NAMES - EDGE, bars)
            _draw_bars(axes, strongest, has_chinese=chinese is not None)
    return figure


def heat_map(explanation: Explanation, side: Side) -> NDArray[np.float64]:
    """Return the colours of the regions of an item's picture, (grid, grid, 4), red green blue and opacity of 0 to 1."""
    heat = np.zeros((explanation.grid, explanation.grid, 4))
    largest = explanation.largest("region") or 1.0
    for effect in explanation.of(side, "region"):
        heat[effect.part.place] = (*to_rgb(LIGHT[effect.role]), STRONGEST * abs(effect.change) / largest)
    return heat


def chinese_font() -> str | None:
    """Return the family of an installed font with Chinese characters, None where there is none."""
    installed = {font.name for font in fontManager.ttflist}
    return next((family for family in CHINESE_FONTS if family in installed), None)


def _heading(figure: Figure, explanation: Explanation, height: float) -> None:
    verdict = explanation.verdict
    decision = "The same product" if verdict.is_same else "Different products"
    shown_sums = verdict.sums(lambda number: signed(number, 3), "−")
    sums = f"margin {signed(verdict.margin, 3)} = {shown_sums}; decided at {signed(verdict.decision_threshold, 3)}"
    y = 1 - (GAP + LINE) / height
    figure.text(EDGE / WIDTH, y, decision, color=LIGHT[Role.INK], fontsize=11, fontweight="bold")
    figure.text(1 - EDGE / WIDTH, y, sums, color=LIGHT[Role.MUTED], ha="right")


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return axes without frame and ticks at a place in points."""
    across, up = figure.get_size_inches() * POINTS_PER_INCH
    axes = figure.add_axes((left / across, bottom / up, width / across, height / up), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return axes


def _draw_picture(axes: Axes, explanation: Explanation, side: Side, picture: Picture | None) -> None:
    if picture is None:
        axes.set_facecolor(LIGHT[Role.GRID])
        axes.text(0.5, 0.5, "no picture", color=LIGHT[Role.MUTED], ha="center", va="center")
        return
    grid = explanation.grid or 1
    extent = (0, grid, grid, 0)
    if explanation.of(side, "region"):
        # Grey behind the heat map, so that its own colours are the only ones.
        axes.imshow(picture.mean(axis=2), cmap="gray", vmin=0, vmax=255, extent=extent)
        axes.imshow(heat_map(explanation, side), extent=extent, interpolation="nearest")
    else:
        axes.imshow(picture, extent=extent)


def _draw_bars(axes: Axes, effects: Sequence[Effect], has_chinese: bool) -> None:
    """Draw a bar for each effect from the middle, to the left where the margin falls, with its name before it."""
    changes = [effect.change for effect in effects]
    rows = range(len(effects))
    drawn = axes.barh(rows, changes, height=0.6, color=[LIGHT[effect.role] for effect in effects])
    axes.bar_label(drawn, list(map(change, changes)), padding=3, color=LIGHT[Role.INK])
    room = 1.35 * (max(map(abs, changes)) or 1.0)
    axes.set_xlim(-room, room)
    axes.set_ylim(len(effects) - 0.5, -0.5)
    axes.axvline(0, color=LIGHT[Role.MUTED], linewidth=0.6)
    labels = [
        f"{row}  {effect.part.side}: {_name(effect.part, has_chinese)}" for row, effect in enumerate(effects, start=1)
    ]
    axes.set_yticks(rows, labels, ha="left")
    axes.tick_params(axis="y", length=0, pad=NAMES - EDGE, labelcolor=LIGHT[Role.INK])


def _name(part: Part, has_chinese: bool) -> str:
    name = part.shown_name
    if has_chinese or name.isascii():
        return shown(name, LONGEST_NAME)
    return f"word at character {part.place[0] + 1}" if part.kind == "word" else f"{part.kind} (see the table)"
