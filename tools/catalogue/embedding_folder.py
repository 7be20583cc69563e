"""The embeddings of a whole catalogue in a folder: what its files are, written and read.

embeddings.json       what the folder holds, and what that depends on (EmbeddingsRecord)
shard_00000.npy       (n, both widths) of consecutive items, packed as models.embedding.pack does, threshold half first
shard_00000.jsonl     a line for each row (EmbeddedItem)
shard_00000.json      what the shard says of itself (ShardRecord); written last, so that a shard that has it is whole
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from engine.disk import read_json, write_json
from options.errors import UserError
from tools.catalogue.embedding_shard import AGAIN, RECORD, EmbeddedItem, EmbeddingShard, NumberType, Packed

FORMAT: Literal[1] = 1
EMBEDDINGS = "embeddings.json"
Positive = Annotated[int, Field(ge=1, lt=2**62)]
FIXED = ("shard_items", "threshold_width", "match_width", "type", "weights")
"""What a folder's later runs must not change, besides the options and the items that it has."""


@dataclass(frozen=True, slots=True)
class EmbeddingsRecord:
    """What embeddings.json says."""

    format: Literal[1]
    run: str
    """Name in the option file."""
    num_items: Positive
    shard_items: Positive
    """Items of each shard; the last one may have fewer."""
    threshold_width: Annotated[int, Field(ge=0, lt=2**62)]
    match_width: Positive
    type: NumberType
    """Of the numbers in the shards."""
    weights: str
    """SHA-256 of the encoder's weights."""
    items: str
    """SHA-256 of the item file."""
    options: Mapping[str, JsonValue]
    """Those that the embeddings depend on, as resolved."""

    @property
    def fixed(self) -> Mapping[str, JsonValue]:
        """All that the numbers depend on but the items, by name."""
        return {**self.options, **{key: getattr(self, key) for key in FIXED}}

    @property
    def encoding(self) -> str:
        """SHA-256 of that, which every shard states too."""
        return hashlib.sha256(json.dumps(self.fixed, sort_keys=True).encode()).hexdigest()

    @property
    def num_shards(self) -> int:
        """How many shards the whole catalogue has."""
        return -(-self.num_items // self.shard_items)

    @property
    def width(self) -> int:
        """Numbers an item, both halves."""
        return self.threshold_width + self.match_width


@dataclass(frozen=True)
class EmbeddingFolder:
    """The embeddings of N items, in the order of their file; open_embeddings has seen that no shard is missing."""

    path: Path
    record: EmbeddingsRecord

    def __len__(self) -> int:
        return self.record.num_items

    def shard(self, number: int) -> EmbeddingShard:
        """Return a shard, which need not be there in a folder that was not opened."""
        first = number * self.record.shard_items
        rows = range(first, min(first + self.record.shard_items, len(self)))
        return EmbeddingShard(self.path, number, rows, self.record.width, self.record.type)

    def shards(self) -> Iterator[EmbeddingShard]:
        """Yield all shards in order, whose `packed()` is memory-mapped and whose `rows` say where they belong."""
        return map(self.shard, range(self.record.num_shards))

    def items(self) -> Iterator[EmbeddedItem]:
        """Yield the item of each of N rows, read as they are asked for; raises UserError for a damaged file."""
        for shard in self.shards():
            yield from shard.items()

    def blocks(self, num_rows: int) -> Iterator[NDArray[np.float32]]:
        """Yield all rows in order, up to num_rows (of one shard) at a time: (n, both widths), threshold half first."""
        for shard in self.shards():
            packed = shard.packed()
            for first in range(0, len(packed), num_rows):
                yield np.asarray(packed[first : first + num_rows], np.float32)

    def take(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the numbers of M rows, wherever they stand: (M, both widths), threshold half first."""
        taken = np.empty((len(rows), self.record.width), np.float32)
        for place, row in enumerate(rows):
            shard, row_of_shard = divmod(row, self.record.shard_items)
            taken[place] = self._mapped[shard][row_of_shard]
        return taken

    def sample(self, count: int) -> NDArray[np.float32]:
        """Return the numbers of so many rows, or all, evenly spread and in order: (M, both widths)."""
        rows: NDArray[np.int64] = np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(np.int64)
        return self.take(rows.tolist())

    @cached_property
    def _mapped(self) -> list[Packed]:
        return [shard.packed() for shard in self.shards()]


def read_embeddings_record(path: Path) -> EmbeddingsRecord | None:
    """Read embeddings.json, None where there is none; raises UserError for a damaged one or one of another format."""
    return read_json(path / EMBEDDINGS, EmbeddingsRecord, f"remove the folder and {AGAIN}")


def write_embeddings_record(path: Path, record: EmbeddingsRecord) -> None:
    """Write embeddings.json, whole or not at all."""
    write_json(path / EMBEDDINGS, asdict(record))


def open_embeddings(path: Path) -> EmbeddingFolder:
    """Open a folder; raises UserError unless all of its shards are there, naming the file that is missing or damaged.

    Of damage it finds what shows in records, sizes and shapes; tools/catalogue/verify.py finds all.
    """
    record = read_embeddings_record(path)
    if record is None:
        raise UserError(
            f"{path / EMBEDDINGS}: is missing: no folder of embeddings; bash run.sh catalogue embed makes one"
        )
    folder = EmbeddingFolder(path, record)
    encoding = record.encoding
    for shard in folder.shards():
        own = shard.record() if shard.is_whole() else None
        if own is None:
            raise UserError(
                f"{shard.file(RECORD)}: the embeddings are not complete: shard {shard.number} of {record.num_shards} "
                f"is missing or out of date; {AGAIN}"
            )
        if own.encoding != encoding:
            raise UserError(
                f"{shard.file(RECORD)}: the shard was not encoded as {path / EMBEDDINGS} says, which was changed "
                f"since (widths, type, weights or options), or the shard is of another folder; remove the folder and "
                f"{AGAIN}"
            )
        shard.packed()
    return folder
