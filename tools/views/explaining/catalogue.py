"""The items that a pair can be picked from: files of items with their images."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.image_store import ImageSource, open_images
from data.item import Item
from data.item_catalog import ItemCatalog, read_items
from data.item_image import BadImageError
from data.options import SplitOptions
from engine.experiment import ExperimentOptions
from options.errors import UserError
from options.printable import quoted


@dataclass(frozen=True, slots=True)
class Listing:
    """One of the two items of a pair that is looked at."""

    item: Item
    images: ImageSource | None
    """None where there are no pictures, which a model that reads none allows."""

    def picture(self, size: int) -> NDArray[np.uint8]:
        """Return the item's picture, (size, size, 3); raises BadImageError naming the item."""
        if self.images is None or not self.item.image:
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


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Items of one or more files; of an id that several have, the first counts."""

    parts: Sequence[tuple[ItemCatalog, ImageSource | None]]
    """Images are None where there are none, for a model that reads none."""
    files: Sequence[Path]
    """The item files, for messages."""

    def __len__(self) -> int:
        return sum(len(catalog) for catalog, _ in self.parts)

    def find(self, item_id: str) -> Listing | None:
        """Return the item of an id, if there is one."""
        for catalog, images in self.parts:
            if (row := catalog.row(item_id)) is not None:
                return Listing(catalog[row], images)
        return None

    def get(self, item_id: str) -> Listing:
        """Return the item of an id; raises UserError where there is none."""
        listing = self.find(item_id)
        if listing is None:
            files = ", ".join(map(str, self.files)) or "the run's splits, whose files are gone; give --items, --images"
            raise UserError(f"no item has the id {quoted(item_id)} in {files}")
        return listing

    def search(self, words: str, most: int) -> list[Listing]:
        """Return the first items whose id or title has all of the words, in any case; the item of that id first."""
        exact = self.find(words.strip())
        found = [exact] if exact is not None else []
        wanted = words.lower().split()
        others = (
            Listing(catalog[row], images)
            for catalog, images in self.parts
            for row, (item_id, title) in enumerate(catalog.titles())
            if all(word in f"{item_id} {title}".lower() for word in wanted)
            and (exact is None or item_id != exact.item.item_id)
        )
        return found + list(islice(others, most - len(found)))


def load_catalogue(items: Path | None, images: Path | None, options: ExperimentOptions) -> Catalogue:
    """Return the items of a file with a folder or pack of images, else of a run's splits.

    Of the splits those whose files are here, test and val first. Raises UserError for files that cannot be read.
    """
    if items is not None and (images is not None or not options.reads.image):
        return _read([SplitOptions(items=items, pairs=items, images=images)], options)
    if items is not None or images is not None:
        raise UserError("--items and --images belong together: give both or neither")
    splits = [options.data.test, options.data.val, options.data.train]
    distinct = {(split.items, split.images): split for split in splits if split is not None}
    return _read([split for split in distinct.values() if split.items.exists()], options)


def _read(splits: Sequence[SplitOptions], options: ExperimentOptions) -> Catalogue:
    has_images = options.reads.image
    parts = [(read_items(split.items, has_images=has_images), shown_images(split.images, options)) for split in splits]
    return Catalogue(parts, [split.items for split in splits])


def shown_images(path: Path | None, options: ExperimentOptions) -> ImageSource | None:
    """Return the images; None where there are none and the model reads none, for which they are only shown."""
    try:
        return open_images(path, options.data.image) if path is not None else None
    except UserError:
        if options.reads.image:
            raise
        return None
