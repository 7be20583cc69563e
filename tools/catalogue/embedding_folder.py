"""The embeddings of a whole catalogue in a folder: embeddings.json, and shards of consecutive items."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from engine.disk import read_json, write_json
from options.errors import UserError
from tools.catalogue.embedding_shard import RECORD, EmbeddedItem, EmbeddingShard, NumberType

FORMAT = 1
EMBEDDINGS = "embeddings.json"
DEFAULT_SHARD_ITEMS = 16_384
"""A shard of 1,024 float32 numbers an item then is 64 MiB, and what a kill loses some minutes of a GPU at most."""


@dataclass(frozen=True, slots=True)
class EmbeddingsRecord:
    """What embeddings.json says: what the folder holds, and what that depends on."""

    format: int
    run: str
    """Name in the option file."""
    num_items: int
    shard_items: int
    """Items of each shard; the last one may have fewer."""
    threshold_width: int
    match_width: int
    type: NumberType
    """Of the numbers in the shards."""
    weights: str
    """SHA-256 of the encoder's weights."""
    items: str
    """SHA-256 of the item file."""
    options: Mapping[str, JsonValue]
    """Those that the embeddings depend on, as resolved."""

    @property
    def num_shards(self) -> int:
        """How many shards the whole catalogue has."""
        return -(-self.num_items // self.shard_items)

    def shard(self, folder: Path, number: int) -> EmbeddingShard:
        """Return a shard, which need not be there."""
        first = number * self.shard_items
        rows = range(first, min(first + self.shard_items, self.num_items))
        return EmbeddingShard(folder, number, rows, self.threshold_width + self.match_width, self.type)

    def shards(self, folder: Path) -> Iterator[EmbeddingShard]:
        """Yield all shards in order."""
        return (self.shard(folder, number) for number in range(self.num_shards))


@dataclass(frozen=True, slots=True)
class EmbeddingFolder:
    """The embeddings of N items, in the order of their file; open_embeddings has seen that no shard is missing."""

    path: Path
    record: EmbeddingsRecord

    def __len__(self) -> int:
        return self.record.num_items

    def shards(self) -> Iterator[EmbeddingShard]:
        """Yield all shards in order, whose `packed()` is memory-mapped and whose `rows` say where they belong."""
        return self.record.shards(self.path)

    def items(self) -> Iterator[EmbeddedItem]:
        """Yield the item of each of N rows, read as they are asked for; raises UserError for a damaged file."""
        for shard in self.shards():
            yield from shard.items()

    def ids(self) -> Iterator[str]:
        """Yield the id of each of N rows."""
        return (item.item_id for item in self.items())

    def categories(self) -> Iterator[str]:
        """Yield the category of each of N rows, empty where an item has none."""
        return (item.category for item in self.items())

    def blocks(self, num_rows: int) -> Iterator[NDArray[np.float32]]:
        """Yield all rows in order, up to num_rows (of one shard) at a time: (n, both widths), threshold half first."""
        for shard in self.shards():
            packed = shard.packed()
            for first in range(0, len(packed), num_rows):
                yield np.asarray(packed[first : first + num_rows], np.float32)

    def check_content(self) -> None:
        """Raise UserError unless every file is as it was written; this reads all of them."""
        for shard in self.shards():
            shard.check_content()


def open_embeddings(path: Path) -> EmbeddingFolder:
    """Open a folder; raises UserError unless all of its shards are there, naming the file that is missing or damaged.

    Of damage it finds what shows in sizes and shapes; check_content finds all.
    """
    record = read_embeddings_record(path)
    if record is None:
        raise UserError(f"{path / EMBEDDINGS}: is missing: no folder of embeddings; scripts/embed_items.sh makes one")
    for shard in record.shards(path):
        if not shard.is_whole():
            raise UserError(
                f"{shard.file(RECORD)}: the embeddings are not complete: shard {shard.number} of {record.num_shards} "
                "is missing or out of date; run scripts/embed_items.sh with the same arguments again"
            )
        shard.packed()
    return EmbeddingFolder(path, record)


def read_embeddings_record(path: Path) -> EmbeddingsRecord | None:
    """Read embeddings.json, None where there is none; raises UserError for a damaged one or one of another format."""
    file = path / EMBEDDINGS
    record = read_json(file, EmbeddingsRecord, "remove the folder and run scripts/embed_items.sh again")
    if record is not None and record.format != FORMAT:
        raise UserError(f"{file}: format {record.format} is not {FORMAT}, which is read here; embed into a new folder")
    return record


def write_embeddings_record(path: Path, record: EmbeddingsRecord) -> None:
    """Write embeddings.json, whole or not at all."""
    write_json(path / EMBEDDINGS, asdict(record))
