"""An item of a catalogue and a pair of items, as the files state them, and what models read of an item's text.

Attributes are stated in the notation `#key#:#value#;#key#:#value#;` (item_pvs and sku_pvs).
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from data.normal_form import normal_form


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


def clean_text(text: str) -> str:
    """Drop '#', lower-case, then normalise to NFKC: the order that the published weights were trained with."""
    return normal_form(text.replace("#", "").lower())


def parse_attributes(item_pvs: str, sku_pvs: str) -> dict[str, tuple[str, ...]]:
    """Return the cleaned values of each cleaned attribute name, distinct, in order of first appearance.

    The whole string is cleaned before it is split, so that full-width ； and ： separate as well.
    """
    attributes: dict[str, dict[str, None]] = {}
    for part in (clean_text(item_pvs) + ";" + clean_text(sku_pvs)).split(";"):
        name, _, value = part.partition(":")
        if value:
            attributes.setdefault(name, {})[value] = None
    return {name: tuple(values) for name, values in attributes.items()}


def names_read(item: Item, attributes: Sequence[str] | Literal["all"]) -> Iterable[str]:
    """Return the names of the attributes of an item whose values are read, in their order."""
    return item.attributes if attributes == "all" else attributes


def item_text(item: Item, attributes: Sequence[str] | Literal["all"]) -> str:
    """Return `title;value;value;...` with the values of the named attributes in the given order, or all in the item's.

    Absent parts are left out; several values of one attribute are joined with ','.
    """
    values = (",".join(item.attributes.get(clean_text(name), ())) for name in names_read(item, attributes))
    return ";".join(part for part in (clean_text(item.title), *values) if part)
