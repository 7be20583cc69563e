"""Pictures that are handed over one by one, in place of a folder or a pack of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data.image_decoding import to_rgb
from data.item_image import MissingImageError, decode_image, naming, read_image

Picture = Path | str | bytes | Image.Image | NDArray[np.uint8]
"""A path, the bytes of an image file, an opened image, or pixels (size, size, 3), red green blue."""


@dataclass(frozen=True, slots=True)
class GivenImages:
    """Pictures by the names that items state."""

    pictures: Mapping[str, Picture]

    @property
    def path(self) -> Path:
        """No place on the disk."""
        return Path()

    def read(self, name: str, size: int) -> NDArray[np.uint8]:
        """Return the picture stretched to (size, size, 3); raises BadImageError for a missing or unreadable one."""
        picture = self._picture(name)
        if isinstance(picture, str | Path):
            return read_image(Path(picture), size)
        if isinstance(picture, np.ndarray):
            assert picture.shape == (size, size, 3), "pixels are given in the size that they are read in"
            return picture
        with naming(Path(name)):
            if isinstance(picture, bytes):
                return decode_image(picture, size)
            rgb = to_rgb(picture)
            return np.asarray(rgb if rgb.size == (size, size) else rgb.resize((size, size), Image.Resampling.BICUBIC))

    def content(self, name: str) -> bytes:
        """Return what identifies a picture: the bytes of its file, or of its pixels; raises BadImageError."""
        picture = self._picture(name)
        if isinstance(picture, bytes):
            return picture
        if isinstance(picture, str | Path):
            with naming(Path(picture)):
                return Path(picture).read_bytes()
        return picture.tobytes()

    def newest(self, names: Iterable[str]) -> int:
        """Return that nothing has changed."""
        return 0

    def _picture(self, name: str) -> Picture:
        picture = self.pictures.get(name)
        if picture is None:
            raise MissingImageError(f"{name}: no picture")
        return picture
