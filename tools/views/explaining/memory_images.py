"""Pictures of items that are in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.item_image import MissingImageError, decode_image, naming


@dataclass(frozen=True, slots=True)
class MemoryImages:
    """Pictures by name, of the one size that they are asked for."""

    pictures: Mapping[str, NDArray[np.uint8]]
    """(size, size, 3) each"""

    @property
    def path(self) -> Path:
        """No place on the disk."""
        return Path()

    def read(self, name: str, size: int) -> NDArray[np.uint8]:
        """Return a picture; raises MissingImageError, by which an unreadable picture counts as blank."""
        picture = self._picture(name)
        assert picture.shape == (size, size, 3)
        return picture

    def content(self, name: str) -> bytes:
        """Return the pixels of a picture; raises MissingImageError."""
        return self._picture(name).tobytes()

    def newest(self, names: Iterable[str]) -> int:
        """Return that nothing has changed."""
        return 0

    def _picture(self, name: str) -> NDArray[np.uint8]:
        picture = self.pictures.get(name)
        if picture is None:
            raise MissingImageError(f"{name}: no picture")
        return picture


@dataclass(frozen=True, slots=True)
class ImageUpload:
    """The image of one item, as the bytes of its file."""

    file_content: bytes

    @property
    def path(self) -> Path:
        """No place on the disk."""
        return Path()

    def read(self, name: str, size: int) -> NDArray[np.uint8]:
        """Return the picture stretched to (size, size, 3); raises BadImageError."""
        with naming(Path(name)):
            return decode_image(self.file_content, size)

    def content(self, name: str) -> bytes:
        """Return the bytes of the file."""
        return self.file_content

    def newest(self, names: Iterable[str]) -> int:
        """Return that nothing has changed."""
        return 0
