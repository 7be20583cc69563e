"""A shard of the embeddings of a catalogue: consecutive items, their numbers, and what the shard says of itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from data.jsonl import read_records
from engine.checksums import file_checksum
from engine.disk import read_json, whole_path, write_json, write_lines
from options.errors import UserError

NumberType = Literal["float32", "float16"]
Packed = NDArray[np.float32] | NDArray[np.float16]
Line = TypeVar("Line")
NUMBERS, ITEMS, RECORD = ".npy", ".jsonl", ".json"
AGAIN = "run `bash run.sh catalogue embed` with the same arguments again"
HEADER_FAULTS = (
    OSError, ValueError, EOFError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, SyntaxError,
    MemoryError, RecursionError, TokenError,
)  # fmt: skip
"""What numpy raises for headers of .npy that are none."""


class EmbeddedItem(NamedTuple):
    """The item of a row."""

    item_id: str
    category: str
    """Empty where the item has none."""
    blank_image: bool = False
    """Whether its unreadable image was replaced."""
    content: str = ""
    """Digest of its text and picture, by which equal listings are known; empty where they are not known."""


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
        write_lines(self.file(ITEMS), map(_stated, items))
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
        file, count = self.file(ITEMS), 0
        for item in read_lines(file, EmbeddedItem, f"is no line of an embedded item; {self.advice}"):
            yield item
            count += 1
        if count != len(self.rows):
            raise UserError(f"{file}: has {count:,} items, not {len(self.rows):,}; {self.advice}")

    @property
    def advice(self) -> str:
        """What to do about a damaged shard."""
        return f"remove {self.file(RECORD)} and {AGAIN}, which makes this shard anew"


def _stated(item: EmbeddedItem) -> dict[str, object]:
    return {name: value for name, value in item._asdict().items() if value or name == "category"}


def read_lines(file: Path, line_type: type[Line], fault: str) -> Iterator[Line]:
    """Yield the record of every line of a JSONL file; raises UserError, with the fault, for a line that is none."""
    adapter = TypeAdapter(line_type)
    for number, record in read_records(file):
        try:
            yield adapter.validate_python(record, strict=True)
        except ValidationError as error:
            raise UserError(f"{file}:{number}: {fault}") from error
