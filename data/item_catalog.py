"""All items of an item file, by row and by id."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from data.attributes import parse_attributes
from data.item import Item
from data.jsonl import DataError, Record, id_field, read_records, text_field
from options.printable import quoted

LONGEST_FILE_NAME = 255
"""Bytes that file systems allow."""


class ItemCatalog:
    """Items in the order of their file; `row` gives the row of an id."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._rows = {item.item_id: row for row, item in enumerate(items)}

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, row: int) -> Item:
        return self._items[row]

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def row(self, item_id: str) -> int | None:
        """Return the row of an id, or None where the catalogue lacks it."""
        return self._rows.get(item_id)


def read_items(file: Path) -> ItemCatalog:
    """Read an item file; raises DataError for a malformed line, a repeated id or an empty file."""
    items: list[Item] = []
    lines: dict[str, int] = {}
    for number, record in read_records(file):
        item = parse_item(file, number, record)
        if item.item_id in lines:
            raise DataError(file, number, f"item {quoted(item.item_id)} was already on line {lines[item.item_id]}")
        lines[item.item_id] = number
        items.append(item)
    if not items:
        raise DataError(file, None, "has no items")
    return ItemCatalog(items)


def parse_item(file: Path, number: int, record: Record) -> Item:
    """Return the item of a line's record; raises DataError for a field that is absent or wrong."""
    return Item(
        item_id=id_field(file, number, record, "item_id"),
        title=text_field(file, number, record, "title"),
        attributes=parse_attributes(
            text_field(file, number, record, "item_pvs"), text_field(file, number, record, "sku_pvs")
        ),
        category=text_field(file, number, record, "cate_name"),
        image=_image_name(file, number, record),
    )


def _image_name(file: Path, number: int, record: Record) -> str:
    name = id_field(file, number, record, "item_image_name")
    if PurePosixPath(name).name != name or name == ".." or "\\" in name or "\0" in name:
        raise DataError(file, number, f"'item_image_name' should be a file name without a folder: {quoted(name)}")
    if len(name.encode()) > LONGEST_FILE_NAME:
        raise DataError(file, number, f"'item_image_name' is longer than a file name can be: {quoted(name)}")
    return name
