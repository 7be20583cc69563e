"""The rows of an index: which items they are, by what a changed embedding is known, and where it stands."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from data.jsonl import read_records
from options.errors import UserError


class IndexedItem(NamedTuple):
    """A row of an index, which no other item ever gets."""

    item_id: str
    category: str
    """Empty where the item has none."""
    digest: str
    """Of its embedding, by which a changed one is known; empty where that is not known."""
    row: int | None
    """In the folder of embeddings; None once the item was removed."""


def embedding_digest(numbers: bytes) -> str:
    """Return the digest of the bytes of an embedding in float32."""
    return hashlib.blake2b(numbers, digest_size=8).hexdigest()


def rows_digest(items: Sequence[IndexedItem]) -> str:
    """Return a digest of rows, whether or not they were removed since: later rows leave that of the first ones."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.item_id}\0{item.digest}\n".encode())
    return digest.hexdigest()


def read_indexed_items(file: Path) -> list[IndexedItem]:
    """Read the rows of an index; raises UserError for a line that is none, or of an item that an earlier one is of."""
    items = []
    present: set[str] = set()
    for number, record in read_records(file):
        texts = [record.get(key) for key in ("item_id", "category", "digest")]
        row = record.get("row")
        is_place = row is None or (isinstance(row, int) and not isinstance(row, bool) and row >= 0)
        if not is_place or not all(isinstance(text, str) for text in texts):
            raise UserError(f"{file}:{number}: is no row of an index; build it again with --rebuild")
        item = IndexedItem(str(texts[0]), str(texts[1]), str(texts[2]), row if isinstance(row, int) else None)
        if item.row is not None:
            if item.item_id in present:
                raise UserError(f"{file}:{number}: is of an item that another row is of; build it with --rebuild")
            present.add(item.item_id)
        items.append(item)
    return items
