"""The rows of an index: which item each is, and where its embedding stands."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from data.jsonl import read_records
from engine.disk import whole_file
from options.errors import UserError


class IndexedItem(NamedTuple):
    """A row of an index, which no other item ever gets."""

    item_id: str
    category: str
    """Empty where the item has none."""
    digest: str
    """Of its embedding, by which a changed one is known."""
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


def write_indexed_items(file: Path, items: Sequence[IndexedItem]) -> None:
    """Write a line for each row, whole or not at all."""
    with whole_file(file) as stream:
        stream.writelines(json.dumps(item._asdict(), ensure_ascii=False) + "\n" for item in items)


def read_indexed_items(file: Path) -> list[IndexedItem]:
    """Read the rows of an index; raises UserError for a line that is none."""
    items = []
    for number, record in read_records(file):
        texts = [record.get(key) for key in ("item_id", "category", "digest")]
        row = record.get("row")
        if not all(isinstance(text, str) for text in texts) or not isinstance(row, int | None):
            raise UserError(f"{file}:{number}: is no row of an index; build it again with --rebuild")
        items.append(IndexedItem(str(texts[0]), str(texts[1]), str(texts[2]), row))
    return items
