"""What is wrong with the bytes of an image file."""

from typing import NoReturn


class DamagedImageError(ValueError):
    """Bytes that are no whole picture of a bearable size."""


def refuse_cut() -> NoReturn:
    """Raise DamagedImageError for a file that ends too early."""
    raise DamagedImageError("it is cut off")


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raise DamagedImageError for a picture of too many pixels."""
    if width * height > max_pixels:
        raise DamagedImageError(f"{width} x {height} = {width * height} pixels are too many")
