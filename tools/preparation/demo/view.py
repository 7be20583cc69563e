"""How a product lies in a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.preparation.demo.random_choice import chance
from tools.preparation.demo.shapes import Point


@dataclass(frozen=True, slots=True)
class View:
    """How the product lies in the picture: the affine map of its coordinates to pixels."""

    matrix: tuple[float, float, float, float]
    centre: tuple[float, float]

    def __call__(self, polygon: Sequence[Point]) -> list[tuple[float, float]]:
        """Map a polygon to pixels."""
        a, b, c, d = self.matrix
        x0, y0 = self.centre
        return [(x0 + a * x + b * y, y0 + c * x + d * y) for x, y in polygon]


def draw_view(side: int, rng: np.random.Generator) -> View:
    """Choose scale, angle, foreshortening, left or right and position."""
    scale = side / 2 * rng.uniform(0.8, 0.9)
    angle = np.deg2rad(rng.uniform(-4, 4))
    width = rng.uniform(0.92, 1.04) * (-1 if chance(rng, 0.1) else 1)
    shear = rng.uniform(-0.04, 0.04)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    a, b, c, d = (scale * turn @ np.array([[width, shear], [0.0, 1.0]])).ravel().tolist()
    x, y = (side * (0.5 + rng.uniform(-0.03, 0.03, 2))).tolist()
    return View((a, b, c, d), (x, y))
