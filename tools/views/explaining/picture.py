"""An explanation as a picture: heat maps over both items and the strongest effects as bars."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tools.views.colours import LIGHT, Colour
from tools.views.explaining.explain import SIDES
from tools.views.explaining.parts import Effect, Explanation, Kind, Part
from tools.views.explaining.regions import Picture, cell_bounds
from tools.views.explaining.table import shown_name
from tools.views.reporting.charts.drawing import Role

PANEL, GAP, LINE = 480, 30, 28
"""Pixels: side of a picture, space around the panels, height of a line."""
WIDTH = 2 * PANEL + 3 * GAP
NAMES = 380
"""Pixels of the names beside the bars."""
STRONGEST = 0.7
"""Share of the colour in the region that moves the margin most."""
CHINESE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "msyh.ttc",
)
"""Files of fonts with Chinese characters on Linux, macOS and Windows, found by name where they are installed."""
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
SAME, DIFFERENT, INK, MUTED = (LIGHT.of_role[role] for role in (Role.SAME, Role.DIFFERENT, Role.INK, Role.MUTED))
LEGEND = "Without the part the margin falls (blue: it speaks for the same product) or rises (orange: against it)."


def explanation_picture(
    explanation: Explanation, pictures: Sequence[Picture | None], most_bars: int = 12
) -> Image.Image:
    """Return the picture of an explanation; `pictures` are those of source and target, (size, size, 3) of any size.

    The bars are numbered as the rows of the table. Where no font with Chinese characters is installed, words are
    named by their places alone.
    """
    strongest = explanation.strongest()[:most_bars]
    height = 2 * GAP + LINE + PANEL + (len(strongest) + 4) * LINE
    canvas = Image.new("RGB", (WIDTH, height), LIGHT.background)
    draw = ImageDraw.Draw(canvas)
    small, has_chinese = _font(16)
    verdict = explanation.verdict
    decision = "The same product" if verdict.is_same else "Different products"
    draw.text((GAP, 12), decision, fill=INK, font=_font(24)[0])
    sums = (
        f"margin {verdict.margin:.3f} = match {verdict.match:.3f} - own threshold {verdict.threshold:.3f}; "
        f"decided at {verdict.decision_threshold:.3f}"
    )
    draw.text((WIDTH - GAP, 18), sums, fill=MUTED, font=small, anchor="ra")
    top = GAP + LINE
    for number, (side, picture) in enumerate(zip(SIDES, pictures, strict=True)):
        left = GAP + number * (PANEL + GAP)
        canvas.paste(_panel(explanation, explanation.of(side, Kind.REGION), picture), (left, top))
        draw.text((left, top + PANEL + 5), side, fill=MUTED, font=small)
    top += PANEL + LINE + GAP // 2
    draw.text((GAP, top), LEGEND, fill=MUTED, font=small)
    top += LINE + 8
    largest = max((abs(effect.change) for effect in strongest), default=0.0) or 1.0
    for number, effect in enumerate(strongest, start=1):
        name = f"{number}  {effect.part.side}: {_name(effect.part, has_chinese)}"
        draw.text((GAP, top), name, fill=INK, font=small)
        _bar(draw, top, effect.change / largest, small, f"{effect.change:+.3f}")
        top += LINE
    return canvas


def _heat(effect: Effect, largest: float) -> tuple[Colour, float]:
    """Return the colour of an effect and its share, 0 to STRONGEST; `largest` is the largest absolute change."""
    share = STRONGEST * abs(effect.change) / largest if largest else 0.0
    return (SAME if effect.change < 0 else DIFFERENT), share


def _panel(explanation: Explanation, regions: Sequence[Effect], picture: Picture | None) -> Image.Image:
    if picture is None:
        return _no_picture()
    image = np.asarray(Image.fromarray(picture).resize((PANEL, PANEL), Image.Resampling.BICUBIC)).astype(np.float64)
    if regions:
        # Grey behind the heat map, so that its own colours are the only ones.
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    bounds = cell_bounds(PANEL, explanation.grid) if regions else []
    largest = explanation.largest(Kind.REGION)
    for effect in regions:
        row, column = effect.part.place
        cell = image[slice(*bounds[row]), slice(*bounds[column])]
        colour, share = _heat(effect, largest)
        cell += share * (np.array(colour) - cell)
    return Image.fromarray(_as_bytes(image))


def _as_bytes(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    return image.round().clip(0, 255).astype(np.uint8)


def _no_picture() -> Image.Image:
    panel = Image.new("RGB", (PANEL, PANEL), LIGHT.of_role[Role.GRID])
    ImageDraw.Draw(panel).text((PANEL // 2, PANEL // 2), "no picture", fill=MUTED, font=_font(18)[0], anchor="mm")
    return panel


def _bar(draw: ImageDraw.ImageDraw, top: int, share: float, font: Font, change: str) -> None:
    """Draw a bar from the middle of the room beside the names, to the left where the margin falls."""
    half = (WIDTH - NAMES - 2 * GAP) // 2 - 70
    middle = NAMES + GAP + half + 70
    end = middle + round(share * half)
    left, right = sorted((middle, end))
    draw.rectangle((left, top + 3, right, top + LINE - 8), fill=SAME if share < 0 else DIFFERENT)
    draw.line((middle, top - 4, middle, top + LINE - 1), fill=MUTED)
    place, anchor = (left - 6, "ra") if share < 0 else (right + 6, "la")
    draw.text((place, top + 1), change, fill=INK, font=font, anchor=anchor)


def _name(part: Part, has_chinese: bool) -> str:
    name = shown_name(part)
    if has_chinese or name.isascii():
        return name
    return f"word at character {part.place[0] + 1}" if part.kind is Kind.WORD else f"{part.kind} (see the table)"


def _font(size: int) -> tuple[Font, bool]:
    """Return a font, and whether it has Chinese characters."""
    for name in CHINESE_FONTS:
        try:
            return ImageFont.truetype(name, size), True
        except OSError:
            continue
    return ImageFont.load_default(size), False
