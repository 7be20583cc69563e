"""Colours, masks and letters to paint with."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageFont

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


def shade(colour: Colour) -> Colour:
    """Return the shade of a colour for trimmings and outlines: darker, but lighter if nearly black."""
    if max(colour) < 80:
        return (92, 92, 100)
    return (int(colour[0] * 0.68), int(colour[1] * 0.68), int(colour[2] * 0.68))


def ink(colour: Colour) -> Colour:
    """Return the colour of the pattern: white on dark colours, dark on light ones."""
    red, green, blue = colour
    return (250, 248, 240) if 0.3 * red + 0.59 * green + 0.11 * blue < 150 else (58, 52, 60)


def ramp(size: tuple[int, int], direction: str, strongest: int) -> Image.Image:
    """Return a mask that grows towards one side: right, left or down."""
    mask = base_ramp(strongest)
    if direction == "left":
        mask = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    elif direction == "down":
        mask = mask.transpose(Image.Transpose.TRANSPOSE)
    return mask.resize(size, Image.Resampling.NEAREST)


@lru_cache
def base_ramp(strongest: int) -> Image.Image:
    """Return a mask that grows to the right, to be stretched."""
    row = (np.linspace(0, 1, 256) ** 1.5 * strongest).astype(np.uint8)
    return Image.fromarray(np.repeat(row[None], 2, axis=0))


@lru_cache
def default_font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font at this height in pixels."""
    return ImageFont.load_default(height)
