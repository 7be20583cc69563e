"""Outlines of products and the patterns on them: polygons in a square from -1 to 1 whose second axis points down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, TypeAdapter

Point = tuple[float, float]
Polygon = tuple[Point, ...]
Paint = Literal["trim", "dark", "light"]
"""Trim is a darker shade of the product's colour; dark and light are the same on all products."""

PERIOD = 0.7
"""Distance of stripes and dots; the product is 2 wide."""
SQUARE = 0.5
"""Side of the squares of a check."""
REACH = 1.5
"""Half the side of the patterned area, enough to cover every body."""


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    """Return a rectangle."""
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def oval(x: float, y: float, width: float, height: float, start: float = 0.0, end: float = 2.0) -> Polygon:
    """Return an ellipse, or the part of one between two angles in units of pi, clockwise from the right."""
    steps = 28
    angles = [(start + (end - start) * step / steps) * pi for step in range(steps + 1)]
    return tuple((x + width * cos(angle), y + height * sin(angle)) for angle in angles)


def ring(x: float, y: float, width: float, height: float, thickness: float) -> Polygon:
    """Return an ellipse with a hole, as one polygon that goes round and back."""
    return oval(x, y, width, height) + oval(x, y, width - thickness, height - thickness)[::-1]


def symmetric(*right_side: Point) -> Polygon:
    """Return the polygon of these points and their mirror images."""
    return right_side + tuple((-x, y) for x, y in reversed(right_side))


def heart() -> Polygon:
    """Return a heart."""
    points = []
    for step in range(40):
        t = step / 20 * pi
        y = 13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)
        points.append((sin(t) ** 3, -(y + 2.5) / 15))
    return tuple(points)


OUTLINES: Mapping[str, Callable[..., Polygon]] = {
    "box": box, "oval": oval, "ring": ring, "symmetric": symmetric, "heart": heart, "points": lambda *points: points,
}  # fmt: skip


class Piece(NamedTuple):
    """A part of a polygon."""

    outline: str
    """The name of what draws it."""
    numbers: tuple[float | Point, ...]
    """What that is given."""
    place: Point = (0.0, 0.0)
    """Where it is moved to."""


def _joined(pieces: object) -> Polygon:
    """Return the polygon that goes round all pieces."""
    drawn = [(OUTLINES[piece.outline](*piece.numbers), piece.place) for piece in _PIECES.validate_python(pieces)]
    return tuple((x0 + x, y0 + y) for outline, (x0, y0) in drawn for x, y in outline)


_PIECES = TypeAdapter(tuple[Piece, ...])
Drawn = Annotated[Polygon, BeforeValidator(_joined)]
Part = tuple[Paint, Drawn]


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline: the body, which has the product's colour and pattern, parts behind and parts before it."""

    body: tuple[Drawn, ...]
    behind: tuple[Part, ...] = ()
    before: tuple[Part, ...] = ()

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the body."""
        x = [x for polygon in self.body for x, _ in polygon]
        y = [y for polygon in self.body for _, y in polygon]
        return min(x), min(y), max(x), max(y)


SHAPES = TypeAdapter(dict[str, Shape]).validate_json(Path(__file__).with_name("shapes.json").read_bytes())
"""The shapes that categories name."""


@lru_cache(maxsize=1024)
def pattern_polygons(pattern: str, shape: str) -> tuple[Polygon, ...]:
    """Return the polygons that the pattern's ink fills on a body, around the middle of the body.

    Raises:
        ValueError: there is no such pattern.
    """
    left, top, right, bottom = SHAPES[shape].extent
    x, y = (left + right) / 2, (top + bottom) / 2
    emblem = 0.6 * min(right - left, bottom - top) / 2
    return tuple(tuple((x + x1, y + y1) for x1, y1 in polygon) for polygon in _around_origin(pattern, emblem))


def _around_origin(pattern: str, emblem: float) -> tuple[Polygon, ...]:
    places = [PERIOD * step for step in range(-3, 4)]
    half = PERIOD * 0.22
    match pattern:
        case "plain":
            return ()
        case "horizontal":
            return tuple(box(-REACH, at - half, REACH, at + half) for at in places)
        case "vertical":
            return tuple(box(at - half, -REACH, at + half, REACH) for at in places)
        case "check":
            cells = [(column, row) for column in range(-4, 4) for row in range(-4, 4) if (column + row) % 2]
            return tuple(
                box(SQUARE * column, SQUARE * row, SQUARE * (column + 1), SQUARE * (row + 1)) for column, row in cells
            )
        case "dots":
            return tuple(oval(x, y, 0.2, 0.2) for x in places for y in places)
        case "halves":
            return (box(-REACH, 0.0, REACH, REACH),)
        case "heart":
            return (tuple((emblem * x, emblem * y) for x, y in heart()),)
    raise ValueError(f"there is no pattern {pattern!r}")
