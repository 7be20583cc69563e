"""All items of an item file, by row and by id."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.flat_rows import NUMBERS, FlatRows
from data.hash_index import HASHES, HashIndex, text_hash
from data.item import Item
from data.item_fields import item_fields
from data.jsonl import DataError, read_records
from data.packed_item import pack_fields, pack_item, packed_start, unpack_id, unpack_item, unpack_title
from options.printable import quoted


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

    def digest(self, rows: range) -> str:
        """Return the SHA-256 of all that the items of some rows have."""
        digest = hashlib.sha256()
        for row in rows:
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


def read_items(file: Path) -> ItemCatalog:
    """Read an item file; raises DataError for a malformed line, a repeated id or an empty file.

    An item takes its texts and 32 bytes, which is less than its line in the file.
    """
    rows = FlatRows()
    hashes = array(HASHES)
    numbers = array(NUMBERS)
    fault = None
    try:
        for number, record in read_records(file):
            fields = item_fields(file, number, record)
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
