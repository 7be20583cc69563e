"""Photographs of products, drawn: the product under some light before some background, in the files sellers upload."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from tools.preparation.demo.backdrop import (
    View,
    default_font,
    draw_background,
    draw_badge,
    draw_shadow,
    draw_view,
    ramp,
)
from tools.preparation.demo.product import WORDS, Colour, Product, chance, pick
from tools.preparation.demo.shapes import SHAPES, Shape, pattern_polygons

OVERSAMPLING = 2
"""The picture is drawn this many times larger and then reduced, which smooths its edges."""

PAINTS: dict[str, Colour] = {"dark": (62, 62, 70), "light": (238, 236, 230)}


def draw_photograph(product: Product, size: int, rng: np.random.Generator) -> Image.Image:
    """Draw one RGB photograph of a product, size pixels high and wide."""
    side = size * OVERSAMPLING
    view = draw_view(side, rng)
    canvas = draw_background(side, rng)
    draw_shadow(canvas, view, rng)
    draw_product(canvas, product, view, rng)
    if chance(rng, 0.12):
        draw_badge(canvas, rng)
    return light(canvas.reduce(OVERSAMPLING), rng)


def draw_product(canvas: Image.Image, product: Product, view: View, rng: np.random.Generator) -> None:
    """Draw the parts behind the body, the patterned body with what is printed on it, the parts before it."""
    shape = SHAPES[product.shape]
    paints = PAINTS | {"trim": shade(WORDS.colours[product.colour][0])}
    draw = ImageDraw.Draw(canvas)
    for paint, polygon in shape.behind:
        draw.polygon(view(polygon), fill=paints[paint])
    draw_body(canvas, product, shape, view, rng)
    for paint, polygon in shape.before:
        draw.polygon(view(polygon), fill=paints[paint])


def draw_body(canvas: Image.Image, product: Product, shape: Shape, view: View, rng: np.random.Generator) -> None:
    """Draw the body: outline, colour, pattern, print and the darker side that faces away from the light."""
    main = WORDS.colours[product.colour][0]
    outlines = [view(polygon) for polygon in shape.body]
    points = np.array([point for outline in outlines for point in outline])
    left, top = (int(c) - 1 for c in points.min(axis=0))
    right, bottom = (int(c) + 2 for c in points.max(axis=0))
    inside = View(view.matrix, (view.centre[0] - left, view.centre[1] - top))
    mask = Image.new("L", (right - left, bottom - top))
    cloth = Image.new("RGB", mask.size, main)
    for polygon in pattern_polygons(product.pattern, product.shape):
        ImageDraw.Draw(cloth).polygon(inside(polygon), fill=ink(main))
    if chance(rng, 0.15):
        words = WORDS.brands[product.brand] if chance(rng, 0.7) else product.model
        draw_print(cloth, words, shape, inside, canvas.width // 14)
    cloth.paste((0, 0, 0), mask=ramp(mask.size, pick(rng, ("left", "right")), 70))
    for polygon in shape.body:
        outline = inside(polygon)
        ImageDraw.Draw(cloth).line([*outline, outline[0]], fill=shade(main), width=max(1, canvas.width // 64))
        ImageDraw.Draw(mask).polygon(outline, fill=255)
    canvas.paste(cloth, (left, top), mask)


def shade(colour: Colour) -> Colour:
    """Return the shade of a colour for trimmings and outlines: darker, but lighter if nearly black."""
    if max(colour) < 80:
        return (92, 92, 100)
    return (int(colour[0] * 0.68), int(colour[1] * 0.68), int(colour[2] * 0.68))


def ink(colour: Colour) -> Colour:
    """Return the colour of the pattern: white on dark colours, dark on light ones."""
    red, green, blue = colour
    return (250, 248, 240) if 0.3 * red + 0.59 * green + 0.11 * blue < 150 else (58, 52, 60)


def draw_print(cloth: Image.Image, words: str, shape: Shape, view: View, height: int) -> None:
    """Print words on a label on the lower part of the body, along the product's own horizontal."""
    font = default_font(max(8, height))
    left, top, right, bottom = font.getbbox(words)
    tile = Image.new("RGBA", (int(right - left) + 6, int(bottom - top) + 6), (*PAINTS["dark"], 255))
    ImageDraw.Draw(tile).text((3 - left, 3 - top), words, font=font, fill=PAINTS["light"])
    a, _, c, _ = view.matrix
    tile = tile.rotate(-np.rad2deg(np.arctan2(c * np.sign(a), abs(a))), expand=True)
    body_left, body_top, body_right, body_bottom = shape.extent
    x, y = view([((body_left + body_right) / 2, 0.25 * body_top + 0.75 * body_bottom)])[0]
    cloth.paste(tile, (int(x - tile.width / 2), int(y - tile.height / 2)), tile)


def light(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brighten or darken the picture, more on one side, tint it slightly and add the sensor's noise."""
    across = np.linspace(-1, 1, image.width, dtype=np.float32)
    slope_x, slope_y = rng.uniform(-0.1, 0.1, 2).astype(np.float32)
    gain = np.float32(rng.uniform(0.9, 1.08)) + slope_x * across[None, :] + slope_y * across[:, None]
    tint = rng.uniform(0.95, 1.05, 3).astype(np.float32)
    noise = rng.standard_normal(gain.shape, dtype=np.float32) * np.float32(rng.uniform(1, 4))
    pixels = np.array(image, dtype=np.float32)
    pixels *= gain[:, :, None]
    pixels *= tint
    pixels += noise[:, :, None]
    np.clip(pixels, 0, 255, out=pixels)
    return Image.fromarray(pixels.astype(np.uint8))


class Encoding(NamedTuple):
    """A way of storing a photograph."""

    suffix: str
    format: str
    mode: str
    share: float


ENCODINGS = (
    Encoding(".jpg", "JPEG", "RGB", 0.86),
    Encoding(".jpg", "JPEG", "L", 0.015),
    Encoding(".jpg", "JPEG", "CMYK", 0.01),
    Encoding(".jpeg", "JPEG", "RGB", 0.03),
    Encoding(".SS2", "JPEG", "RGB", 0.015),
    Encoding(".png", "PNG", "RGB", 0.025),
    Encoding(".png", "PNG", "P", 0.01),
    Encoding(".gif", "GIF", "P", 0.02),
    Encoding(".bmp", "BMP", "RGB", 0.015),
)
"""How often each encoding occurs. A grey picture hides the colour of the product."""


def draw_encoding(rng: np.random.Generator) -> Encoding:
    """Choose the encoding of one photograph."""
    return ENCODINGS[int(rng.choice(len(ENCODINGS), p=[encoding.share for encoding in ENCODINGS]))]


def save_photograph(image: Image.Image, file: Path, encoding: Encoding, rng: np.random.Generator) -> None:
    """Write a photograph in this encoding, JPEG at a quality of the seller's own."""
    image = image.quantize(64, Image.Quantize.FASTOCTREE) if encoding.mode == "P" else image.convert(encoding.mode)
    if encoding.format == "JPEG":
        image.save(file, "JPEG", quality=int(rng.integers(45, 93)))
    else:
        image.save(file, encoding.format)
