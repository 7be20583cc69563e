"""The colours of charts, pages and pictures, told apart by the colour-blind too (after Okabe and Ito)."""

from collections.abc import Mapping
from enum import StrEnum

from engine.evaluation_view import DIFFERENT_COLOUR, SAME_COLOUR


class Role(StrEnum):
    """What a mark stands for, which decides its colour in each theme."""

    SAME = "same"
    """Pairs labelled the same, and the first series of a chart."""
    DIFFERENT = "different"
    """Pairs labelled different, and the second series."""
    INK = "ink"
    """What is to be read."""
    MUTED = "muted"
    """Tick labels and reference lines."""
    GRID = "grid"


def hexadecimal(colour: tuple[int, int, int]) -> str:
    """Return a colour of red, green and blue, 0 to 255, as style sheets and matplotlib have it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


LIGHT: Mapping[Role, str] = {
    Role.SAME: hexadecimal(SAME_COLOUR),
    Role.DIFFERENT: hexadecimal(DIFFERENT_COLOUR),
    Role.INK: "#1c2026",
    Role.MUTED: "#5e6672",
    Role.GRID: "#e2e6ec",
}
DARK: Mapping[Role, str] = {
    Role.SAME: "#56b4e9",
    Role.DIFFERENT: "#f0963c",
    Role.INK: "#e8ebf0",
    Role.MUTED: "#a0a9b6",
    Role.GRID: "#343b46",
}


def variables(theme: Mapping[Role, str]) -> str:
    """Return the lines of a style sheet that give the variables of the roles the colours of a theme."""
    return " ".join(f"--{role}: {colour};" for role, colour in theme.items())
