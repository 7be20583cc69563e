"""An item as bytes: a JSON list `[item_id, title, category, image, attributes]`.

The attributes are `[item_pvs, sku_pvs]` as an item file has them, parsed when the item is asked for, or
`{name: [value, ...]}` of an item that was made otherwise.
"""

import json

from data.item import Item
from data.item_fields import ItemFields

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def pack_fields(fields: ItemFields) -> bytes:
    """Return an item's line as bytes, fewer than the line has."""
    notation = (fields.item_pvs, fields.sku_pvs)
    return _bytes((fields.item_id, fields.title, fields.category, fields.image, notation))


def pack_item(item: Item) -> bytes:
    """Return an item as bytes."""
    return _bytes((item.item_id, item.title, item.category, item.image, dict(item.attributes)))


def unpack_item(packed: bytes) -> Item:
    """Return the item of packed bytes."""
    item_id, title, category, image, attributes = json.loads(_text(packed))
    if isinstance(attributes, list):
        item_pvs, sku_pvs = attributes
        return ItemFields(item_id, title, item_pvs, sku_pvs, category, image).item()
    return Item(item_id, title, {name: tuple(values) for name, values in attributes.items()}, category, image)


def unpack_id(packed: bytes) -> str:
    """Return the id alone of packed bytes."""
    item_id: str = json.loads(_text(packed))[0]
    return item_id


def unpack_title(packed: bytes) -> tuple[str, str]:
    """Return the id and the title alone of packed bytes."""
    item_id, title, *_ = json.loads(_text(packed))
    return item_id, title


def packed_start(item_id: str) -> bytes:
    """Return what the packed bytes of the item of an id start with, and those of no other item."""
    return b"[" + _bytes(item_id) + b","


def _bytes(value: object) -> bytes:
    # An item that comes from no file may have half characters.
    return _encode(value).encode("utf-8", "surrogatepass")


def _text(packed: bytes) -> str:
    return packed.decode("utf-8", "surrogatepass")
