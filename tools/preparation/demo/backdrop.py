"""What surrounds the product in a photograph: background, shadow and badge."""

from __future__ import annotations

from colorsys import hsv_to_rgb
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from tools.preparation.demo.paint import Colour, default_font, ramp
from tools.preparation.demo.random_choice import chance, pick
from tools.preparation.demo.view import View

BADGES = ("SALE", "HOT", "NEW", "-30%")


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
