"""Photographs of products, drawn: the product under some light, before some background."""

from __future__ import annotations

from collections.abc import Callable
from colorsys import hsv_to_rgb
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scripts.demo_data.patterns import pattern_polygons
from scripts.demo_data.product import BRANDS, COLOURS, Product
from scripts.demo_data.random_choice import chance, pick
from scripts.demo_data.shapes import Polygon, shape_named

OVERSAMPLING = 2
"""The picture is drawn this many times larger and then reduced, which smooths its edges."""

Colour = tuple[int, int, int]
PAINTS: dict[str, Colour] = {"dark": (62, 62, 70), "light": (238, 236, 230)}
BADGES = ("SALE", "HOT", "NEW", "-30%")


@dataclass(frozen=True, slots=True)
class View:
    """How the product lies in the picture: the affine map of its coordinates to pixels."""

    matrix: tuple[float, float, float, float]
    centre: tuple[float, float]

    def __call__(self, polygon: Polygon) -> list[tuple[float, float]]:
        """Map a polygon to pixels."""
        a, b, c, d = self.matrix
        x0, y0 = self.centre
        return [(x0 + a * x + b * y, y0 + c * x + d * y) for x, y in polygon]


def draw_photograph(product: Product, size: int, rng: np.random.Generator) -> Image.Image:
    """Draw one RGB photograph of a product, size pixels high and wide."""
    side = size * OVERSAMPLING
    view = draw_view(side, rng)
    canvas = draw_background(side, rng)
    draw_shadow(canvas, view, rng)
    draw_product(canvas, product, view, rng)
    if chance(rng, 0.2):
        draw_badge(canvas, rng)
    return light(canvas.reduce(OVERSAMPLING), rng)


def draw_view(side: int, rng: np.random.Generator) -> View:
    """Choose scale, angle, foreshortening, left or right and position."""
    scale = side / 2 * rng.uniform(0.62, 0.84)
    angle = np.deg2rad(rng.uniform(-9, 9))
    width = rng.uniform(0.92, 1.04) * (-1 if chance(rng, 0.3) else 1)
    shear = rng.uniform(-0.06, 0.06)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    a, b, c, d = (scale * turn @ np.array([[width, shear], [0.0, 1.0]])).ravel().tolist()
    x, y = (side * (0.5 + rng.uniform(-0.07, 0.07, 2))).tolist()
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
        canvas.paste(second, mask=ramp(side, "down", 255))
    elif style == 2:
        x, y, r = side * rng.uniform(0.3, 0.7), side * rng.uniform(0.3, 0.7), side * rng.uniform(0.35, 0.5)
        ImageDraw.Draw(canvas).ellipse((x - r, y - r, x + r, y + r), fill=second)
    return canvas


def background_colour(rng: np.random.Generator) -> Colour:
    """Draw a colour that is mostly pale, at times strong."""
    strong = chance(rng, 0.25)
    saturation, value = (rng.uniform(0.3, 0.6), rng.uniform(0.55, 0.9)) if strong else (rng.uniform(0, 0.2), rng.uniform(0.82, 1))
    red, green, blue = hsv_to_rgb(rng.random(), saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_shadow(canvas: Image.Image, view: View, rng: np.random.Generator) -> None:
    """Darken the ground under the product, softly."""
    side = canvas.width // 8
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    x, y = (c / 8 for c in view([(rng.uniform(-0.15, 0.15), 0.85)])[0])
    scale = abs(view.matrix[3]) / 8
    for step, darkness in enumerate((18, 40, 70)):
        width, height = scale * (0.95 - 0.2 * step), scale * (0.26 - 0.07 * step)
        draw.ellipse((x - width, y - height, x + width, y + height), fill=darkness)
    canvas.paste((20, 20, 30), mask=mask.resize(canvas.size, Image.Resampling.BILINEAR))


def draw_product(canvas: Image.Image, product: Product, view: View, rng: np.random.Generator) -> None:
    """Draw the parts behind the body, the patterned body with what is printed on it, the parts before it."""
    shape = shape_named(product.shape)
    main = COLOURS[product.colour][0]
    paints = PAINTS | {"trim": shade(main)}
    draw = ImageDraw.Draw(canvas)
    for paint, polygon in shape.behind:
        draw.polygon(view(polygon), fill=paints[paint])
    mask = Image.new("L", canvas.size)
    for polygon in shape.body:
        ImageDraw.Draw(mask).polygon(view(polygon), fill=255)
    canvas.paste(draw_cloth(canvas.size, product, view, rng), mask=mask)
    for polygon in shape.body[:1] if len(shape.body) == 1 else ():
        draw.line([*view(polygon), view(polygon)[0]], fill=paints["trim"], width=max(1, canvas.width // 96))
    for paint, polygon in shape.before:
        draw.polygon(view(polygon), fill=paints[paint])


def draw_cloth(size: tuple[int, int], product: Product, view: View, rng: np.random.Generator) -> Image.Image:
    """Draw the body's surface: colour, pattern, print and the darker side that faces away from the light."""
    main = COLOURS[product.colour][0]
    cloth = Image.new("RGB", size, main)
    draw = ImageDraw.Draw(cloth)
    for polygon in pattern_polygons(product.pattern):
        draw.polygon(view(polygon), fill=ink(main))
    if chance(rng, 0.5):
        words = BRANDS[product.brand] if chance(rng, 0.7) else product.model
        draw_print(cloth, words, view, ink(main))
    cloth.paste((0, 0, 0), mask=ramp(size[0], pick(rng, ("left", "right")), 70))
    return cloth


def draw_print(cloth: Image.Image, words: str, view: View, colour: Colour) -> None:
    """Print words on the lower part of the body, on a label, along the product's own horizontal."""
    font = default_font(max(8, cloth.width // 12))
    left, top, right, bottom = font.getbbox(words)
    tile = Image.new("RGBA", (int(right - left) + 6, int(bottom - top) + 6), (*PAINTS["dark"], 255))
    ImageDraw.Draw(tile).text((3 - left, 3 - top), words, font=font, fill=PAINTS["light"])
    a, _, c, _ = view.matrix
    tile = tile.rotate(-np.rad2deg(np.arctan2(c * np.sign(a), abs(a))), expand=True)
    x, y = view([(0.0, 0.45)])[0]
    cloth.paste(tile, (int(x - tile.width / 2), int(y - tile.height / 2)), tile)


def draw_badge(canvas: Image.Image, rng: np.random.Generator) -> None:
    """Stick a seller's badge into an upper corner."""
    side = canvas.width
    width, height = side // 4, side // 8
    left = pick(rng, (side // 40, side - width - side // 40))
    colour = pick(rng, ((226, 44, 52), (250, 150, 20), (36, 120, 210)))
    draw = ImageDraw.Draw(canvas)
    draw.rounded_rectangle((left, side // 40, left + width, side // 40 + height), height // 3, fill=colour)
    draw.text((left + width / 2, side // 40 + height / 2), pick(rng, BADGES), font=default_font(max(8, side // 13)),
              fill=(255, 255, 255), anchor="mm")  # fmt: skip


def light(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brighten or darken the picture, more on one side, tint it slightly and add the sensor's noise."""
    across = np.linspace(-1, 1, image.width, dtype=np.float32)
    slope_x, slope_y = rng.uniform(-0.1, 0.1, 2).astype(np.float32)
    gain = np.float32(rng.uniform(0.85, 1.1)) + slope_x * across[None, :] + slope_y * across[:, None]
    tint = rng.uniform(0.95, 1.05, 3).astype(np.float32)
    noise = rng.standard_normal((image.height, image.width, 1), dtype=np.float32) * np.float32(rng.uniform(1, 6))
    pixels = np.asarray(image, dtype=np.float32) * gain[:, :, None] * tint + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def shade(colour: Colour) -> Colour:
    """Return the shade of a colour for trimmings and outlines: darker, but lighter for what is nearly black."""
    if max(colour) < 80:
        return (92, 92, 100)
    return (int(colour[0] * 0.68), int(colour[1] * 0.68), int(colour[2] * 0.68))


def ink(colour: Colour) -> Colour:
    """Return the colour of the pattern: white on dark colours, dark on light ones."""
    red, green, blue = colour
    return (250, 248, 240) if 0.3 * red + 0.59 * green + 0.11 * blue < 150 else (58, 52, 60)


@lru_cache
def ramp(side: int, direction: str, strongest: int) -> Image.Image:
    """Return a mask that grows towards one side: right, left or down."""
    row = (np.linspace(0, 1, side) ** 1.5 * strongest).astype(np.uint8)
    grown = np.broadcast_to(row, (side, side))
    turned: dict[str, Callable[[], np.ndarray]] = {
        "right": lambda: grown, "left": lambda: grown[:, ::-1], "down": lambda: grown.T,
    }  # fmt: skip
    return Image.fromarray(np.ascontiguousarray(turned[direction]()))


@lru_cache
def default_font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font at this height in pixels."""
    return ImageFont.load_default(height)
