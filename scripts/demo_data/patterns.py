"""Patterns: what is drawn on the body of a product, as polygons in its coordinates."""

from __future__ import annotations

from functools import lru_cache

from scripts.demo_data.shapes import Polygon, box, heart, oval

PERIOD = 0.5
"""Distance of stripes and dots; the product is 2 wide."""
REACH = 1.25
SQUARE = 0.36
"""Side of the squares of a check."""


@lru_cache
def pattern_polygons(pattern: str) -> tuple[Polygon, ...]:
    """Return the polygons that are filled with the pattern's ink."""
    places = [PERIOD * step for step in range(-3, 4)]
    half = PERIOD * 0.22
    across = tuple(box(-REACH, at - half, REACH, at + half) for at in places)
    down = tuple(box(at - half, -REACH, at + half, REACH) for at in places)
    match pattern:
        case "plain":
            return ()
        case "horizontal":
            return across
        case "vertical":
            return down
        case "check":
            squares = [(x, y) for x in range(-4, 5) for y in range(-4, 5) if (x + y) % 2 == 0]
            return tuple(_square(SQUARE * x, SQUARE * y) for x, y in squares)
        case "diagonal":
            return tuple(
                ((at - REACH - half, REACH), (at - REACH + half * 2, REACH), (at + REACH + half * 2, -REACH), (at + REACH - half, -REACH))
                for at in (PERIOD * 1.4 * step for step in range(-4, 5))
            )
        case "dots":
            return tuple(oval(x, y, 0.14, 0.14) for x in places for y in places)
        case "halves":
            return (box(-REACH, 0.05, REACH, REACH),)
        case "heart":
            return (tuple((0.42 * x, 0.42 * y - 0.1) for x, y in heart()),)
    raise ValueError(f"there is no pattern {pattern!r}")


def _square(left: float, top: float) -> Polygon:
    return box(left, top, left + SQUARE, top + SQUARE)
