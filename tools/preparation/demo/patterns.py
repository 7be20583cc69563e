"""Patterns: what is drawn on the body of a product, as polygons in its coordinates."""

from __future__ import annotations

from functools import lru_cache

from tools.preparation.demo.shapes import Polygon, box, heart, oval, shape_named

PERIOD = 0.7
"""Distance of stripes and dots; the product is 2 wide."""
SQUARE = 0.5
"""Side of the squares of a check."""
REACH = 1.5
"""Half the side of the patterned area, enough to cover every body."""


@lru_cache(maxsize=1024)
def pattern_polygons(pattern: str, shape: str) -> tuple[Polygon, ...]:
    """Return the polygons that the pattern's ink fills on a body, around the middle of the body.

    Raises:
        ValueError: there is no such pattern.
    """
    left, top, right, bottom = shape_named(shape).extent
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
