"""Invent JPEG files that are as hard to decode and to stretch as photographs of products."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from tqdm import tqdm


def write_photos(folder: Path, num_photos: int) -> Path:
    """Write pictures with sides of 800 to 1500 pixels, the same at every call, and return the folder."""
    folder.mkdir()
    for number in tqdm(range(num_photos), desc="invent", unit="photo"):
        generator = np.random.default_rng(number)
        quality = int(generator.integers(80, 94))
        invent_photo(generator).save(folder / f"{number:05d}.jpg", quality=quality)
    return folder


def invent_photo(generator: np.random.Generator) -> Image.Image:
    """Return a picture of shading and texture at all scales, hard-edged shapes, lettering and sensor noise."""
    width, height = (int(side) for side in generator.integers(800, 1501, 2))
    if generator.random() < 0.6:
        height = width  # as most product pictures are
    photo = _texture(generator, width, height)
    draw = ImageDraw.Draw(photo)
    for _ in range(12):
        left, top = int(generator.integers(0, width)), int(generator.integers(0, height))
        size = int(generator.integers(10, width // 4))
        box = (left, top, left + size, top + size * generator.uniform(0.3, 1.5))
        shape = draw.ellipse if generator.random() < 0.5 else draw.rectangle
        shape(box, fill=_colour(generator))
    for _ in range(12):
        place = int(generator.integers(0, width)), int(generator.integers(0, height))
        draw.text(place, "New XK-101 500ml", fill=_colour(generator), font_size=int(generator.integers(14, 80)))
    sharp = np.asarray(photo.filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float32)
    noisy = sharp + 1.2 * generator.standard_normal(sharp.shape, dtype=np.float32)
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def _texture(generator: np.random.Generator, width: int, height: int) -> Image.Image:
    """Sum octaves of noise whose amplitude falls with the frequency, as in photographs."""
    total = np.full((height, width, 3), 128.0, dtype=np.float32)
    cells, amplitude = 3, 55.0
    while cells < width:
        coarse = generator.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        octave = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        total += (np.asarray(octave, dtype=np.float32) - 128.0) * (amplitude / 74.0)
        cells, amplitude = cells * 2, amplitude * 0.45
    return Image.fromarray(np.clip(total, 0, 255).astype(np.uint8))


def _colour(generator: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in generator.integers(0, 256, 3))
    return red, green, blue
