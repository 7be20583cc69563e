"""A drawing as SVG, inside a page or as a file of its own."""

from collections.abc import Iterator
from html import escape
from typing import assert_never

from tools.views.colours import FONT_SIZE, LIGHT, hexadecimal
from tools.views.reporting.charts.drawing import Box, Dot, Drawing, Label, Line, Mark


def inline_svg(drawing: Drawing, identifier: str) -> str:
    """Return the SVG element for a page, whose style sheet gives the classes of the roles their colours.

    `identifier` is a name that no other element of the page has.
    """
    title, description = f"{identifier}-title", f"{identifier}-description"
    return (
        f'<svg class="chart" viewBox="0 0 {drawing.width} {drawing.height}" role="img" '
        f'aria-labelledby="{title}" aria-describedby="{description}">'
        f'<title id="{title}">{escape(drawing.title)}</title>'
        f'<desc id="{description}">{escape(drawing.description)}</desc>'
        f"{''.join(map(_element, drawing.marks))}</svg>"
    )


def standalone_svg(drawing: Drawing) -> str:
    """Return the text of an SVG file, in the colours of the light theme."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawing.width} {drawing.height}" '
        f'width="{2 * drawing.width}" height="{2 * drawing.height}" role="img">'
        f"<title>{escape(drawing.title)}</title><desc>{escape(drawing.description)}</desc>"
        f"<style>{''.join(_light_rules())}</style>"
        f'<rect width="100%" height="100%" fill="{hexadecimal(LIGHT.background)}"/>'
        f"{''.join(map(_element, drawing.marks))}</svg>\n"
    )


def _light_rules() -> Iterator[str]:
    yield f"text{{font:{FONT_SIZE}px sans-serif}}"
    for role, colour in LIGHT.of_role.items():
        yield f".stroke-{role}{{stroke:{hexadecimal(colour)};fill:none}}.fill-{role}{{fill:{hexadecimal(colour)}}}"


def _element(mark: Mark) -> str:
    match mark:
        case Line():
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.points)
            dashes = ' stroke-dasharray="5 4"' if mark.dashed else ""
            return f'<polyline class="stroke-{mark.role}" points="{points}" stroke-width="{mark.width:g}"{dashes}/>'
        case Box():
            return (
                f'<rect class="fill-{mark.role}" x="{mark.left:.1f}" y="{mark.top:.1f}" width="{mark.width:.1f}" '
                f'height="{mark.height:.1f}" fill-opacity="{mark.opacity:g}">{_hint(mark.hint)}</rect>'
            )
        case Dot():
            x, y = mark.centre
            return (
                f'<circle class="fill-{mark.role}" cx="{x:.1f}" cy="{y:.1f}" r="{mark.radius:g}">'
                f"{_hint(mark.hint)}</circle>"
            )
        case Label():
            x, y = mark.place
            turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if mark.upwards else ""
            return (
                f'<text class="fill-{mark.role}" x="{x:.1f}" y="{y:.1f}" text-anchor="{mark.anchor}"{turned}>'
                f"{escape(mark.text)}</text>"
            )
        case _:
            assert_never(mark)


def _hint(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""
