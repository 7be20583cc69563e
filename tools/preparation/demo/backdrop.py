"""What surrounds the product in a photograph: how it lies there, background, shadow and badge."""

from collections.abc import Sequence
from colorsys import hsv_to_rgb
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tools.preparation.demo.product import Colour, chance, pick
from tools.preparation.demo.shapes import Point

BADGES = ("SALE", "HOT", "NEW", "-30%")


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


def draw_background(side: int, rng: np.random.Generator) -> Image.Image:
    """Draw a plain, two-part or graded background."""
    first, second = background_colour(rng), background_colour(rng)
    canvas = Image.new("RGB", (side, side), first)
    style = int(rng.integers(4))
    if style == 0:
        table = side * rng.uniform(0.6, 0.85)
        ImageDraw.Draw(canvas).rectangle((0, table, side, side), fill=second)
    elif style == 1:
        canvas.paste(second, mask=ramp(canvas.size, "down", 255))
    elif style == 2:
        x, y, r = side * rng.uniform(0.3, 0.7), side * rng.uniform(0.3, 0.7), side * rng.uniform(0.35, 0.5)
        ImageDraw.Draw(canvas).ellipse((x - r, y - r, x + r, y + r), fill=second)
    return canvas


def background_colour(rng: np.random.Generator) -> Colour:
    """Draw a colour that is mostly pale, at times strong."""
    strong = chance(rng, 0.04)
    saturation, value = (
        (rng.uniform(0.3, 0.6), rng.uniform(0.55, 0.9)) if strong else (rng.uniform(0, 0.12), rng.uniform(0.88, 1))
    )
    red, green, blue = hsv_to_rgb(rng.random(), saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_shadow(canvas: Image.Image, view: View, rng: np.random.Generator) -> None:
    """Darken the ground under the product, softly."""
    x, y = view([(rng.uniform(-0.15, 0.15), 0.85)])[0]
    width, height = (int(abs(view.matrix[3]) * reach) for reach in (1.2, 0.4))
    shadow = soft_ellipse().resize((2 * width, 2 * height), Image.Resampling.BILINEAR)
    canvas.paste((20, 20, 30), (int(x) - width, int(y) - height), shadow)


def draw_badge(canvas: Image.Image, rng: np.random.Generator) -> None:
    """Stick a seller's badge into an upper corner."""
    side = canvas.width
    width, height = side // 4, side // 8
    left = pick(rng, (side // 40, side - width - side // 40))
    colour = pick(rng, ((226, 44, 52), (250, 150, 20), (36, 120, 210)))
    draw = ImageDraw.Draw(canvas)
    draw.rounded_rectangle((left, side // 40, left + width, side // 40 + height), height // 3, fill=colour)
    middle = (left + width / 2, side // 40 + height / 2)
    font = default_font(max(8, side // 13))
    draw.text(middle, pick(rng, BADGES), font=font, fill=(255, 255, 255), anchor="mm")


@lru_cache
def soft_ellipse() -> Image.Image:
    """Return a mask that fades from the middle to the edge, to be stretched."""
    axis = np.linspace(-1, 1, 32)
    distance = np.hypot(axis[:, None], axis[None])
    return Image.fromarray((90 * np.clip(1 - distance, 0, 1)).astype(np.uint8))


def ramp(size: tuple[int, int], direction: str, strongest: int) -> Image.Image:
    """Return a mask that grows towards one side: right, left or down."""
    row = (np.linspace(0, 1, 256) ** 1.5 * strongest).astype(np.uint8)
    row = row[None, ::-1] if direction == "left" else row[:, None] if direction == "down" else row[None]
    return Image.fromarray(np.ascontiguousarray(row)).resize(size, Image.Resampling.NEAREST)


@lru_cache
def default_font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font at this height in pixels."""
    return ImageFont.load_default(height)
