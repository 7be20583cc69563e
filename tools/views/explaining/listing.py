"""An item together with where its picture is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.image_store import ImageSource
from data.item import Item
from data.item_image import BadImageError
from options.printable import quoted


@dataclass(frozen=True, slots=True)
class Listing:
    """One of the two items of a pair that is looked at."""

    item: Item
    images: ImageSource | None
    """None where there are no pictures, which a model that reads none allows."""

    def picture(self, size: int) -> NDArray[np.uint8]:
        """Return the item's picture, (size, size, 3); raises BadImageError naming the item."""
        if self.images is None:
            raise BadImageError(f"item {quoted(self.item.item_id)} has no picture")
        try:
            return self.images.read(self.item.image, size)
        except BadImageError as error:
            raise BadImageError(f"{error} (image of item {quoted(self.item.item_id)})", error.reason) from error

    def picture_to_show(self, size: int) -> NDArray[np.uint8] | None:
        """Return the item's picture, (size, size, 3); None where it cannot be read."""
        try:
            return self.picture(size)
        except BadImageError:
            return None
