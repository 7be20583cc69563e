"""A chart before it is drawn: marks at their places, without a file format.

Lengths are in the drawing's own pixels, from the upper left corner.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


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


@dataclass(frozen=True, slots=True)
class Line:
    """Straight strokes from point to point."""

    points: tuple[Point, ...]
    role: Role
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    left: float
    top: float
    width: float
    height: float
    role: Role
    opacity: float = 1.0
    hint: str = ""
    """Shown where the pointer rests on it."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle."""

    centre: Point
    radius: float
    role: Role
    hint: str = ""
    """Shown where the pointer rests on it."""


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text; the place is that of its baseline."""

    place: Point
    text: str
    role: Role
    anchor: Anchor = "start"
    upwards: bool = False
    """Whether it is turned to be read from below."""


Mark = Line | Box | Dot | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart of marks, the later ones on top."""

    width: int
    height: int
    title: str
    description: str
    """What the chart shows, for those who do not see it."""
    marks: tuple[Mark, ...]
