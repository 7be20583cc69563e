"""An item of a catalogue and a pair of items, as the files state them."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One listing: an image and Chinese text."""

    item_id: str
    title: str
    """As written by the seller."""
    attributes: Mapping[str, tuple[str, ...]]
    """Cleaned values by cleaned attribute name, in order of first appearance."""
    category: str
    """Name of the category; empty where the file has none."""
    image: str
    """Name of the image file, without a folder."""

    @property
    def content(self) -> Hashable:
        """All but the id: items of equal content are one listing under two ids."""
        return self.title, tuple(self.attributes.items()), self.category, self.image


@dataclass(frozen=True, slots=True)
class ItemPair:
    """Two items by their ids, and whether they are the same product, if that is known."""

    source_id: str
    target_id: str
    same: bool | None
