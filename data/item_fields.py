"""The fields of a line of an item file, checked."""

import re
from pathlib import Path
from typing import NamedTuple

from data.attributes import parse_attributes
from data.item import Item
from data.jsonl import DataError, Record, id_field, text_field
from options.printable import quoted

LONGEST_FILE_NAME = 255
"""Bytes that file systems allow."""
FOLDER = re.compile(r"[/\\\0]|\A\.\.?\Z")
"""What the name of a file without a folder neither has nor is."""


class ItemFields(NamedTuple):
    """The texts of a line, empty where absent, the attributes in their notation."""

    item_id: str
    title: str
    item_pvs: str
    sku_pvs: str
    category: str
    image: str

    def item(self) -> Item:
        """Return the item, its attributes parsed."""
        attributes = parse_attributes(self.item_pvs, self.sku_pvs)
        return Item(self.item_id, self.title, attributes, self.category, self.image)


def item_fields(file: Path, number: int, record: Record) -> ItemFields:
    """Return the fields of a line's record; raises DataError for one that is absent or wrong."""
    return ItemFields(
        item_id=id_field(file, number, record, "item_id"),
        title=text_field(file, number, record, "title"),
        item_pvs=text_field(file, number, record, "item_pvs"),
        sku_pvs=text_field(file, number, record, "sku_pvs"),
        category=text_field(file, number, record, "cate_name"),
        image=_image_name(file, number, record),
    )


def _image_name(file: Path, number: int, record: Record) -> str:
    name = id_field(file, number, record, "item_image_name")
    if FOLDER.search(name):
        raise DataError(file, number, f"'item_image_name' should be a file name without a folder: {quoted(name)}")
    if len(name.encode()) > LONGEST_FILE_NAME:
        raise DataError(file, number, f"'item_image_name' is longer than a file name can be: {quoted(name)}")
    return name
