"""All items of an item file, by row and by id.

An item is held as bytes, a JSON list `[item_id, title, category, image, attributes]`. The attributes are
`[item_pvs, sku_pvs]` as an item file has them, parsed when the item is asked for, or `{name: [value, ...]}` of an item
that was made otherwise.
"""

import hashlib
import json
import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.compact_rows import HASHES, NUMBERS, FlatRows, HashIndex, text_hash
from data.item import Item, parse_attributes
from data.jsonl import DataError, Record, id_field, read_records, text_field
from options.printable import quoted

LONGEST_FILE_NAME = 255
"""Bytes that file systems allow."""
IMAGE_NAME = "item_image_name"
FOLDER = re.compile(r"[/\\\0]|\A\.\.?\Z")
"""What the name of a file without a folder neither has nor is."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


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


def item_fields(file: Path, number: int, record: Record, *, has_image: bool = True) -> ItemFields:
    """Return the fields of a line's record; raises DataError for one that is absent or wrong.

    Where images are not read, has_image is false, and the name of one may be absent.
    """
    return ItemFields(
        item_id=id_field(file, number, record, "item_id"),
        title=text_field(file, number, record, "title"),
        item_pvs=text_field(file, number, record, "item_pvs"),
        sku_pvs=text_field(file, number, record, "sku_pvs"),
        category=text_field(file, number, record, "cate_name"),
        image=_image_name(file, number, record) if has_image or record.get(IMAGE_NAME) else "",
    )


def _image_name(file: Path, number: int, record: Record) -> str:
    name = id_field(file, number, record, IMAGE_NAME)
    if FOLDER.search(name):
        raise DataError(file, number, f"{IMAGE_NAME!r} should be a file name without a folder: {quoted(name)}")
    if len(name.encode()) > LONGEST_FILE_NAME:
        raise DataError(file, number, f"{IMAGE_NAME!r} is longer than a file name can be: {quoted(name)}")
    return name


class ItemCatalog:
    """Items in the order of their file; `row` gives the row of an id.

    They are held as bytes, less than their file has, which loader processes share; an item is made when asked for.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._rows = FlatRows(map(pack_item, items))
        self._index = HashIndex(map(text_hash, self.ids()))

    @classmethod
    def _of(cls, rows: FlatRows, index: HashIndex) -> "ItemCatalog":
        catalog = cls.__new__(cls)
        catalog._rows, catalog._index = rows, index
        return catalog

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Item:
        return unpack_item(self._rows[row])

    def __iter__(self) -> Iterator[Item]:
        return (self[row] for row in range(len(self)))

    def ids(self) -> Iterator[str]:
        """Yield the id of every item, which takes a fraction of the time of the items themselves."""
        return (unpack_id(self._rows[row]) for row in range(len(self)))

    def titles(self) -> Iterator[tuple[str, str]]:
        """Yield the id and the title of every item, which takes a fraction of the time of the items themselves."""
        return (unpack_title(self._rows[row]) for row in range(len(self)))

    def row(self, item_id: str) -> int | None:
        """Return the row of an id, or None where the catalogue lacks it."""
        start = packed_start(item_id)
        return next((row for row in self._index.rows(item_id) if self._rows[row].startswith(start)), None)

    def select(self, rows: NDArray[np.int64]) -> "ItemCatalog":
        """Return the catalogue of some of the rows, in the order given."""
        return ItemCatalog._of(self._rows.select(rows), self._index.select(rows))

    def part(self, rows: range) -> "ItemCatalog":
        """Return the catalogue of a few consecutive rows; unlike select it takes no time for the others."""
        packed = [self._rows[row] for row in rows]
        return ItemCatalog._of(FlatRows(packed), HashIndex(text_hash(unpack_id(row)) for row in packed))

    def digest(self, rows: range | None = None) -> str:
        """Return the SHA-256 of all that the items have, or those of some rows, in their order."""
        digest = hashlib.sha256()
        for row in range(len(self)) if rows is None else rows:
            digest.update(self._rows[row] + b"\n")
        return digest.hexdigest()

    def repeated(self) -> tuple[int, int] | None:
        """Return the first row whose id an earlier row has, and the earlier one before it; None where there is none."""
        for row in self._index.repeated():
            first = self.row(unpack_id(self._rows[row]))
            assert first is not None
            if first < row:
                return first, row
        return None


def read_items(file: Path, *, has_images: bool = True) -> ItemCatalog:
    """Read an item file; raises DataError for a malformed line, a repeated id or an empty file.

    An item takes its texts and 32 bytes, which is less than its line in the file. Where images are not read,
    has_images is false, and items need not name one.
    """
    rows = FlatRows()
    hashes = array(HASHES)
    numbers = array(NUMBERS)
    fault = None
    try:
        for number, record in read_records(file):
            fields = item_fields(file, number, record, has_image=has_images)
            rows.append(pack_fields(fields))
            hashes.append(text_hash(fields.item_id))
            numbers.append(number)
    except DataError as error:
        fault = error  # kept until the lines before it are known to repeat no id
    catalog = ItemCatalog._of(rows, HashIndex(hashes))
    if repeated := catalog.repeated():
        first, row = repeated
        message = f"item {quoted(catalog[row].item_id)} was already on line {numbers[first]}"
        raise DataError(file, numbers[row], message)
    if fault is not None:
        raise fault
    if not rows:
        raise DataError(file, None, "has no items")
    return catalog


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
