"""The text of an item as the text encoder reads it."""

from collections.abc import Sequence

from data.attributes import clean_text
from data.item import Item


def item_text(item: Item, attributes: Sequence[str]) -> str:
    """Return `title;value;value;...` with the values of the named attributes in the given order.

    Absent parts are left out; several values of one attribute are joined with ','.
    """
    values = (",".join(item.attributes.get(clean_text(name), ())) for name in attributes)
    return ";".join(part for part in (clean_text(item.title), *values) if part)
