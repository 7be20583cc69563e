"""The embeddings of a whole catalogue in a folder: what its files are, written, read and checked.

embeddings.json       what the folder holds, and what that depends on (EmbeddingsRecord)
shard_00000.npy       (n, both widths) of consecutive items, packed as models.embedding.pack does, threshold half first
shard_00000.jsonl     a line for each row: item_id, category, and blank_image: true where an image was replaced
shard_00000.json      what the shard says of itself; written last, so that a shard that has it is whole
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.jsonl import read_records
from engine.checksums import file_checksum
from engine.disk import read_json, whole_path, write_json, write_lines
from options.errors import UserError
from tools.catalogue.embeddings_record import AGAIN, EMBEDDINGS, EmbeddingsRecord, NumberType, read_embeddings_record

Packed = NDArray[np.float32] | NDArray[np.float16]
HEADER_FAULTS = (
    OSError, ValueError, EOFError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, SyntaxError,
    MemoryError, RecursionError, TokenError,
)  # fmt: skip
"""What numpy raises for headers of .npy that are none."""
NUMBERS, ITEMS, RECORD = ".npy", ".jsonl", ".json"


class EmbeddedItem(NamedTuple):
    """The item of a row."""

    item_id: str
    category: str
    """Empty where the item has none."""
    blank_image: bool = False
    """Whether its unreadable image was replaced."""


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What a shard says of itself."""

    num_items: int
    num_blank_images: int
    """Unreadable images that were replaced."""
    encoding: str
    """SHA-256 of all that its numbers depend on but its items."""
    items: str
    """SHA-256 of its items as the catalogue has them, texts and names of images included."""
    checksums: Mapping[str, str]
    """SHA-256 of its other files, by suffix."""


@dataclass(frozen=True, slots=True)
class EmbeddingShard:
    """The files of a shard, which need not be there."""

    folder: Path
    number: int
    rows: range
    """Rows of the catalogue that it holds."""
    width: int
    """Numbers an item, both halves."""
    type: NumberType

    def file(self, suffix: str) -> Path:
        """Return the path of the file of a suffix."""
        return self.folder / f"shard_{self.number:05d}{suffix}"

    def write(self, packed: Packed, items: Sequence[EmbeddedItem], encoding: str, items_digest: str) -> None:
        """Write the shard's numbers (n, both widths) and items, its record last.

        Raises UserError where the disk is full or may not be written; then the shard has no record.
        """
        self.file(RECORD).unlink(missing_ok=True)
        with whole_path(self.file(NUMBERS)) as temporary, temporary.open("wb") as stream:
            np.save(stream, packed, allow_pickle=False)
        write_lines(self.file(ITEMS), map(_item_line, items))
        checksums = {suffix: file_checksum(self.file(suffix)) for suffix in (NUMBERS, ITEMS)}
        num_blank_images = sum(item.blank_image for item in items)
        record = ShardRecord(len(packed), num_blank_images, encoding, items_digest, checksums)
        write_json(self.file(RECORD), asdict(record))

    def record(self) -> ShardRecord | None:
        """Return what the shard says of itself, None where it has no record; raises UserError for a damaged one."""
        return read_json(self.file(RECORD), ShardRecord, self.advice)

    def is_whole(self) -> bool:
        """Return whether all files are there, for as many items as there should be."""
        record = self.record()
        files = (self.file(suffix) for suffix in (NUMBERS, ITEMS))
        return record is not None and record.num_items == len(self.rows) and all(file.is_file() for file in files)

    def packed(self) -> Packed:
        """Return the numbers, memory-mapped: (n, both widths), threshold half first; raises UserError if damaged."""
        file = self.file(NUMBERS)
        try:
            # Unlike np.load, which takes archives too.
            packed: Packed = np.lib.format.open_memmap(file, mode="r")
        except HEADER_FAULTS as error:
            raise UserError(f"{file}: is missing, damaged or cut off ({error}); {self.advice}") from error
        expected = (len(self.rows), self.width)
        if packed.shape != expected or packed.dtype != self.type:
            raise UserError(f"{file}: holds {packed.shape} {packed.dtype}, not {expected} {self.type}; {self.advice}")
        return packed

    def items(self) -> Iterator[EmbeddedItem]:
        """Yield the item of each row, read as they are asked for; raises UserError for a damaged file."""
        file = self.file(ITEMS)
        count = 0
        for number, line in read_records(file):
            item_id, category = line.get("item_id"), line.get("category")
            if not isinstance(item_id, str) or not isinstance(category, str):
                raise UserError(f"{file}:{number}: is no line of an embedded item; {self.advice}")
            yield EmbeddedItem(item_id, category, line.get("blank_image") is True)
            count += 1
        if count != len(self.rows):
            raise UserError(f"{file}: has {count:,} items, not {len(self.rows):,}; {self.advice}")

    @property
    def advice(self) -> str:
        """What to do about a damaged shard."""
        return f"remove {self.file(RECORD)} and {AGAIN}, which makes this shard anew"


def _item_line(item: EmbeddedItem) -> dict[str, object]:
    blank = {"blank_image": True} if item.blank_image else {}
    return {"item_id": item.item_id, "category": item.category, **blank}


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


def open_embeddings(path: Path) -> EmbeddingFolder:
    """Open a folder; raises UserError unless all of its shards are there, naming the file that is missing or damaged.

    Of damage it finds what shows in records, sizes and shapes; tools/catalogue/embedding_check.py finds all.
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
