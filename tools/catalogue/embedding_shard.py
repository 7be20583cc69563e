"""A shard: the embeddings of consecutive items of a catalogue in three files.

shard_00000.npy       (n, both widths), packed as models.embedding.pack does, threshold half first
shard_00000.jsonl     a line for each row: item_id, category, and blank_image: true where an image was replaced
shard_00000.json      what the shard says of itself; written last, so that a shard that has it is whole
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.jsonl import read_records
from engine.checksums import file_checksum
from engine.disk import read_json, whole_file, whole_path, write_json
from options.errors import UserError

NumberType = Literal["float32", "float16"]
Packed = NDArray[np.float32] | NDArray[np.float16]
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
        with whole_file(self.file(ITEMS)) as text:
            text.writelines(_item_line(item) for item in items)
        checksums = {suffix: file_checksum(self.file(suffix)) for suffix in (NUMBERS, ITEMS)}
        num_blank_images = sum(item.blank_image for item in items)
        record = ShardRecord(len(packed), num_blank_images, encoding, items_digest, checksums)
        write_json(self.file(RECORD), asdict(record))

    def record(self) -> ShardRecord | None:
        """Return what the shard says of itself, None where it has no record; raises UserError for a damaged one."""
        return read_json(self.file(RECORD), ShardRecord, self._advice)

    def is_whole(self) -> bool:
        """Return whether all files are there, for as many items as there should be."""
        record = self.record()
        files = (self.file(suffix) for suffix in (NUMBERS, ITEMS))
        return record is not None and record.num_items == len(self.rows) and all(file.is_file() for file in files)

    def packed(self) -> Packed:
        """Return the numbers, memory-mapped: (n, both widths), threshold half first; raises UserError if damaged."""
        file = self.file(NUMBERS)
        try:
            packed: Packed = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(f"{file}: is missing, damaged or cut off ({error}); {self._advice}") from error
        expected = (len(self.rows), self.width)
        if packed.shape != expected or packed.dtype != self.type:
            raise UserError(f"{file}: holds {packed.shape} {packed.dtype}, not {expected} {self.type}; {self._advice}")
        return packed

    def items(self) -> Iterator[EmbeddedItem]:
        """Yield the item of each row, read as they are asked for; raises UserError for a damaged file."""
        file = self.file(ITEMS)
        count = 0
        for number, line in read_records(file):
            item_id, category = line.get("item_id"), line.get("category")
            if not isinstance(item_id, str) or not isinstance(category, str):
                raise UserError(f"{file}:{number}: is no line of an embedded item; {self._advice}")
            yield EmbeddedItem(item_id, category, line.get("blank_image") is True)
            count += 1
        if count != len(self.rows):
            raise UserError(f"{file}: has {count:,} items, not {len(self.rows):,}; {self._advice}")

    def check_content(self) -> None:
        """Raise UserError unless the files are there and as they were written, which reads them whole."""
        record = self.record()
        for suffix, checksum in record.checksums.items() if record is not None else ():
            file = self.file(suffix)
            if not file.is_file() or file_checksum(file) != checksum:
                raise UserError(f"{file}: is missing or damaged, its checksum is another one; {self._advice}")

    @property
    def _advice(self) -> str:
        return (
            f"remove {self.file(RECORD)} and run scripts/embed_items.sh with the same arguments again, which makes "
            "this shard anew"
        )


def _item_line(item: EmbeddedItem) -> str:
    blank = {"blank_image": True} if item.blank_image else {}
    return json.dumps({"item_id": item.item_id, "category": item.category, **blank}, ensure_ascii=False) + "\n"
