"""Outlines of products and the patterns on them: polygons in a square from -1 to 1 whose second axis points down."""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin
from typing import Literal

Point = tuple[float, float]
Polygon = tuple[Point, ...]
Paint = Literal["trim", "dark", "light"]
"""Trim is a darker shade of the product's colour; dark and light are the same on all products."""
Part = tuple[Paint, Polygon]

PERIOD = 0.7
"""Distance of stripes and dots; the product is 2 wide."""
SQUARE = 0.5
"""Side of the squares of a check."""
REACH = 1.5
"""Half the side of the patterned area, enough to cover every body."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline: the body, which has the product's colour and pattern, parts behind and parts before it."""

    body: tuple[Polygon, ...]
    behind: tuple[Part, ...] = ()
    before: tuple[Part, ...] = ()

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the body."""
        x = [x for polygon in self.body for x, _ in polygon]
        y = [y for polygon in self.body for _, y in polygon]
        return min(x), min(y), max(x), max(y)


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


def _mug(top: float, bottom: float, belly: float, handle: float) -> Shape:
    side = ((top, -0.75), (belly, 0.0), (bottom, 0.8))
    body = tuple((x - 0.15, y) for x, y in symmetric(*side))
    grip: Part = ("trim", ring(handle, 0.0, 0.36, 0.45, 0.13))
    return Shape((body,), (grip,), (("trim", oval(-0.15, -0.75, top, 0.1)),))


def _flask(width: float, handle: bool) -> Shape:
    body = symmetric((width * 0.6, -0.6), (width, -0.42), (width, 0.95))
    cap: Part = ("dark", box(-width * 0.55, -0.95, width * 0.55, -0.6))
    rim: Part = ("light", box(-width * 0.55, -0.66, width * 0.55, -0.6))
    grip: Part = ("trim", ring(width + 0.1, 0.1, 0.3, 0.55, 0.13))
    return Shape((body,), (grip,) if handle else (), (cap, rim))


def _shirt(sleeve: Point | None) -> Shape:
    if sleeve is None:
        body = symmetric((0.2, -0.85), (0.38, -0.85), (0.44, -0.3), (0.56, -0.1), (0.56, 0.9))
    else:
        x, y = sleeve
        arm = ((0.22, -0.85), (0.55, -0.72), (x, y), (x - 0.25, y + 0.15))
        body = symmetric(*arm, (0.54, -0.25), (0.54, 0.9))
    return Shape((body,), (), (("trim", oval(0, -0.86, 0.24, 0.16, 0.0, 1.0)),))


def _bag(body: Polygon, pocket: Polygon) -> Shape:
    return Shape((body,), (("dark", ring(0, -0.78, 0.26, 0.2, 0.08)),), (("trim", pocket),))


def _shoe(collar: float) -> Shape:
    tongue = (-0.12, -0.1 + 0.3 * collar)
    body = ((-0.9, 0.35), (-0.85, collar), (-0.25, collar), tongue, (0.35, 0.12), (0.85, 0.22), (0.97, 0.42))
    sole: Polygon = ((-0.95, 0.35), (0.97, 0.38), (1.0, 0.52), (0.9, 0.6), (-0.92, 0.6))
    laces = (_lace(-0.12, -0.02), _lace(0.0, 0.06), _lace(0.14, 0.12))
    return Shape((body,), (), (("light", sole), *laces))


def _lace(x: float, y: float) -> Part:
    return "light", ((x, y), (x + 0.2, y + 0.03), (x + 0.2, y + 0.09), (x, y + 0.06))


def _lamp(shade: Polygon) -> Shape:
    return Shape((shade,), (("dark", box(-0.06, 0.0, 0.06, 0.85)), ("dark", oval(0, 0.88, 0.42, 0.1))))


def _umbrella(width: float, height: float, rim: float) -> Shape:
    hem = ((width * 0.5, rim - 0.08), (0.0, rim + 0.02), (-width * 0.5, rim - 0.08))
    canopy = oval(0, rim, width, height, 1.0, 2.0) + hem
    stick: Part = ("dark", box(-0.035, rim - height - 0.1, 0.035, 0.85))
    grip: Part = ("dark", ring(0.12, 0.82, 0.16, 0.15, 0.07))
    return Shape((canopy,), (stick, grip))


SHAPES: dict[str, Shape] = {
    "mug_straight": _mug(0.55, 0.55, 0.55, 0.48),
    "mug_tapered": _mug(0.72, 0.36, 0.56, 0.5),
    "mug_round": Shape((oval(-0.12, 0.1, 0.72, 0.68),), (("trim", ring(0.62, 0.05, 0.34, 0.38, 0.13)),),
                       (("trim", oval(-0.12, -0.55, 0.4, 0.12)),)),
    "flask_slim": _flask(0.3, False),
    "flask_wide": _flask(0.58, False),
    "flask_handle": _flask(0.42, True),
    "shirt_short": _shirt((0.98, -0.3)),
    "shirt_long": _shirt((0.98, 0.6)),
    "shirt_none": _shirt(None),
    "bag_square": _bag(box(-0.65, -0.7, 0.65, 0.9), box(-0.42, 0.35, 0.42, 0.75)),
    "bag_round": _bag((*oval(0, 0.0, 0.65, 0.75, 1.0, 2.0), (0.65, 0.9), (-0.65, 0.9)),
                      box(-0.4, 0.4, 0.4, 0.75)),
    "bag_trapezoid": _bag(symmetric((0.32, -0.7), (0.85, 0.9)), box(-0.45, 0.4, 0.45, 0.75)),
    "shoe_low": _shoe(-0.2),
    "shoe_high": _shoe(-0.6),
    "shoe_boot": _shoe(-0.98),
    "hat_cap": Shape((oval(-0.15, 0.25, 0.65, 0.8, 1.0, 2.0),), (),
                     (("trim", oval(0.3, 0.28, 0.68, 0.14)),)),
    "hat_bucket": Shape((symmetric((0.4, -0.6), (0.55, 0.1), (0.95, 0.5)),),
                        (("trim", oval(0, 0.5, 0.95, 0.15)),)),
    "hat_beanie": Shape(((*oval(0, 0.25, 0.62, 0.85, 1.0, 2.0), (0.62, 0.5), (-0.62, 0.5)),),
                        (("light", oval(0, -0.7, 0.22, 0.22)),), (("trim", box(-0.68, 0.4, 0.68, 0.7)),)),
    "pillow_square": Shape((symmetric((0.0, -0.72), (0.85, -0.85), (0.76, 0.0), (0.85, 0.85),
                                      (0.0, 0.74)),)),
    "pillow_round": Shape((oval(0, 0, 0.85, 0.85),)),
    "pillow_heart": Shape((heart(),)),
    "vase_narrow": Shape((symmetric((0.2, -0.95), (0.16, -0.4), (0.58, 0.1), (0.6, 0.5), (0.36, 0.92)),)),
    "vase_open": Shape((symmetric((0.75, -0.9), (0.42, -0.1), (0.34, 0.5), (0.45, 0.92)),)),
    "vase_gourd": Shape((oval(0, -0.45, 0.38, 0.4), oval(0, 0.36, 0.6, 0.56)),
                        (("trim", box(-0.16, -0.98, 0.16, -0.7)),)),
    "lamp_cone": _lamp(symmetric((0.22, -0.9), (0.85, 0.1))),
    "lamp_dome": _lamp(oval(0, 0.05, 0.8, 0.85, 1.0, 2.0)),
    "lamp_drum": _lamp(box(-0.58, -0.85, 0.58, 0.05)),
    "umbrella_dome": _umbrella(0.95, 0.8, 0.05),
    "umbrella_flat": _umbrella(1.0, 0.45, -0.2),
    "umbrella_deep": _umbrella(0.68, 1.1, 0.3),
    "pack_bag": Shape((symmetric((0.62, -0.8), (0.56, -0.4), (0.62, 0.0), (0.56, 0.4), (0.62, 0.8)),), (),
                      (("light", box(-0.62, -0.9, 0.62, -0.78)), ("light", box(-0.62, 0.78, 0.62, 0.9)))),
    "pack_can": Shape((box(-0.42, -0.8, 0.42, 0.85),), (("light", oval(0, 0.85, 0.42, 0.1)),),
                      (("light", oval(0, -0.8, 0.46, 0.12)),)),
    "pack_box": Shape((box(-0.75, -0.45, 0.6, 0.8),),
                      (("trim", ((-0.75, -0.45), (-0.5, -0.68), (0.85, -0.68), (0.85, 0.56),
                                  (0.6, 0.8))),)),
    "pack_tin": Shape((box(-0.6, -0.35, 0.6, 0.75), oval(0, 0.75, 0.6, 0.12)), (),
                      (("dark", box(-0.64, -0.6, 0.64, -0.35)), ("dark", oval(0, -0.6, 0.64, 0.12)))),
    "pack_pouch": Shape((symmetric((0.44, -0.9), (0.5, 0.3), (0.7, 0.85), (0.0, 0.95)),), (),
                        (("light", box(-0.44, -0.72, 0.44, -0.66)),)),
}  # fmt: skip
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
