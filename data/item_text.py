"""The text of an item as the text encoder reads it."""

from collections.abc import Sequence

from data.attributes import clean_text
from data.item import Item


def item_text(item: Item, attributes: Sequence[str], category: bool = False) -> str:
    """Return `title;value;value;...` with the values of the named attributes in the given order.

    With `category` the name of the item's category follows the title.

    Absent parts are left out; several values of one attribute are joined with ','.
    """
    values = (",".join(item.attributes.get(clean_text(name), ())) for name in attributes)
    names = (item.title, item.category) if category else (item.title,)
    return ";".join(part for part in (*map(clean_text, names), *values) if part)
