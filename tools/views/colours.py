"""Colours of charts and pages, told apart by the colour-blind too (after Okabe and Ito)."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.evaluation_view import DIFFERENT_COLOUR, SAME_COLOUR
from tools.views.reporting.charts.drawing import Role

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

FONT_SIZE = 12
"""Of the labels, in the drawing's pixels."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of the roles, and of what is behind them."""

    background: Colour
    of_role: Mapping[Role, Colour]


LIGHT = Theme(
    (255, 255, 255),
    {
        Role.SAME: SAME_COLOUR,
        Role.DIFFERENT: DIFFERENT_COLOUR,
        Role.INK: (28, 32, 38),
        Role.MUTED: (94, 102, 114),
        Role.GRID: (226, 230, 236),
    },
)
DARK = Theme(
    (27, 31, 38),
    {
        Role.SAME: (86, 180, 233),
        Role.DIFFERENT: (240, 150, 60),
        Role.INK: (232, 235, 240),
        Role.MUTED: (160, 169, 182),
        Role.GRID: (52, 59, 70),
    },
)


def hexadecimal(colour: Colour) -> str:
    """Return the colour as a style sheet has it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
