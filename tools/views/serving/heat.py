"""Where in a picture and in a title the margin comes from, as HTML."""

from tools.views.explaining.parts import Effect, Explanation, Kind, Side
from tools.views.explaining.regions import Picture
from tools.views.page import signed, text
from tools.views.reporting.gallery import LONGEST_TITLE, shown
from tools.views.reporting.thumbnails import picture_uri

STRONGEST = 0.75
"""Opacity of the region that moves the margin most, in either picture."""
NUM_LEVELS = 4
"""Depths of colour behind words; the page's style sheet has a class for each."""


def heat_map(picture: Picture | None, side: Side, explanation: Explanation) -> str:
    """Return the item's picture, its regions coloured by their effects."""
    if picture is None:
        return '<div class="picture">no picture</div>'
    regions = explanation.of(side, Kind.REGION)
    grid = explanation.grid if regions else 1
    largest = explanation.largest(Kind.REGION)
    cells = "".join(_cell(effect, largest) for effect in regions)
    return (
        f'<svg class="heat{" coloured" if regions else ""}" viewBox="0 0 {grid} {grid}" role="img" '
        f'aria-label="{text(_described(side, regions))}">'
        f'<image href="{picture_uri(picture)}" width="{grid}" height="{grid}" preserveAspectRatio="none"/>{cells}</svg>'
    )


def _cell(effect: Effect, largest: float) -> str:
    row, column = effect.part.place
    opacity = STRONGEST * abs(effect.change) / largest if largest else 0.0
    return (
        f'<rect class="fill-{_role(effect)}" x="{column}" y="{row}" width="1" height="1" fill-opacity="{opacity:.3f}">'
        f"<title>{text(_hint(effect))}</title></rect>"
    )


def _described(side: Side, regions: list[Effect]) -> str:
    if not regions:
        return f"Picture of the {side}"
    strongest = max(regions, key=lambda effect: abs(effect.change))
    return f"Picture of the {side}; the region that moves the margin most is {_hint(strongest)}"


def marked_title(title: str, side: Side, explanation: Explanation) -> str:
    """Return a title whose words are coloured by their effects."""
    words = explanation.of(side, Kind.WORD)
    if not title.strip():
        return "<em>no title</em>"
    if not words:
        return f"<bdi>{text(shown(title, LONGEST_TITLE))}</bdi>"
    largest = explanation.largest(Kind.WORD)
    parts, done = [], 0
    for effect in words:
        start, end = effect.part.place
        parts += [text(title[done:start]), _word(effect, largest)]
        done = end
    return f"<bdi>{''.join(parts)}{text(shown(title[done:], LONGEST_TITLE))}</bdi>"


def _word(effect: Effect, largest: float) -> str:
    level = round(NUM_LEVELS * abs(effect.change) / largest) if largest else 0
    colour = f" {_role(effect)}-{level}" if level else ""
    return f'<span class="word{colour}" title="{text(_hint(effect))}">{text(effect.part.name)}</span>'


def _role(effect: Effect) -> str:
    return "same" if effect.change < 0 else "different"


def _hint(effect: Effect) -> str:
    sign = "+" if effect.change > 0 else ""
    return f"{effect.part.name}: without it the margin changes by {sign}{signed(effect.change, 3)}"
