"""What the files of an index say: index.json of the index, items_00001.jsonl of its rows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, JsonValue

from engine.checksums import own_checksum
from engine.disk import read_json, write_json
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_shard import read_lines
from tools.catalogue.index_plan import KINDS, KindName

FORMAT: Literal[1] = 1
RECORD = "index.json"
MILVUS_FILE = "milvus.db"
COLLECTION = "items"
BackendName = Literal["faiss", "milvus"]
Count = Annotated[int, Field(ge=0, lt=2**31)]


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """What index.json says."""

    format: Literal[1]
    backend: BackendName
    kind: Literal[KindName, "FLAT", "AUTOINDEX"]
    """Of FAISS: a kind of tools/catalogue/index_plan.py; of Milvus: FLAT or AUTOINDEX."""
    lists: Count
    probes: Count
    """Lists that are looked through, or candidates that HNSW keeps; of FAISS alone."""
    address: str
    """Of a Milvus that runs elsewhere, else empty."""
    collection: str
    """Of Milvus, else empty."""
    embeddings: str
    """Their folder."""
    run: str
    """That the embeddings are of."""
    weights: str
    """SHA-256 of the encoder's weights."""
    threshold_width: Count
    match_width: Annotated[int, Field(ge=1, lt=2**31)]
    generation: Count
    """Counts the changes; files of others are left over from an interrupted one."""
    num_rows: int
    num_removed: Count
    checksums: Mapping[str, str]
    """SHA-256 of its files, by name."""
    items: str | None = None
    """SHA-256 of the item file of the embeddings; None in an index of before it was kept."""
    options: Mapping[str, JsonValue] | None = None
    """Those that the embeddings depend on; None in an index of before they were kept."""
    own_checksum: str = ""
    """SHA-256 of all that is said above; empty in an index of before it was kept."""

    def fault(self) -> str:
        """Say what cannot be so though each value could, or is not what was written; empty if nothing is."""
        files = {self.items_file(Path()).name, *([self.vectors_file(Path()).name] if self.backend == "faiss" else [])}
        if (self.backend == "faiss") != (self.kind in KINDS):
            return f"there is no kind {quoted(self.kind)} of {self.backend}"
        if self.num_rows < self.num_removed:
            return f"num_rows is {self.num_rows:,}, and num_removed {self.num_removed:,}"
        if any("\0" in text for text in (self.address, self.collection, self.embeddings)):
            return "a path has a NUL"
        if set(self.checksums) != files:
            return f"checksums are of {quoted(', '.join(self.checksums))}, not of {', '.join(sorted(files))}"
        return "it was changed since it was written" if self.own_checksum not in ("", own_checksum(self)) else ""

    @property
    def is_exact(self) -> bool:
        """Whether it finds the best items for certain, with their exact margins."""
        return self.kind == "FLAT" if self.backend == "milvus" else KINDS[self.faiss_kind].is_exact

    @property
    def faiss_kind(self) -> KindName:
        """The kind of an index of FAISS."""
        return next(name for name in KINDS if name == self.kind)

    @property
    def width(self) -> int:
        """Numbers an item, both halves."""
        return self.threshold_width + self.match_width

    def items_file(self, folder: Path) -> Path:
        """Return the file of the rows."""
        return folder / f"items_{self.generation:05d}.jsonl"

    def vectors_file(self, folder: Path) -> Path:
        """Return the file of an index of FAISS."""
        return folder / f"vectors_{self.generation:05d}.faiss"

    def milvus_address(self, folder: Path) -> str:
        """Return where Milvus is asked, within the folder if it runs in this process."""
        return self.address or str(folder / MILVUS_FILE)


def write_index_record(folder: Path, record: IndexRecord) -> None:
    """Write index.json and remove the files of other generations."""
    write_json(folder / RECORD, asdict(replace(record, own_checksum=own_checksum(record))))
    for pattern in ("items_*.jsonl", "vectors_*.faiss"):
        for file in folder.glob(pattern):
            if file.name not in record.checksums:
                file.unlink()


def read_index_record(folder: Path) -> IndexRecord | None:
    """Read index.json, None where there is none; raises UserError for a damaged one or one of another format."""
    record = read_json(folder / RECORD, IndexRecord, "build the index again with --rebuild")
    if record is not None and (fault := record.fault()):
        raise UserError(f"{folder / RECORD}: is damaged: {fault}; build the index again with --rebuild")
    return record


def last_generation(folder: Path) -> int:
    """Return the last generation of which there are files, whether or not index.json can be read; 0 without any."""
    numbers = (file.stem.removeprefix("items_") for file in folder.glob("items_*.jsonl"))
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


class IndexedItem(NamedTuple):
    """A row of an index, which no other item ever gets."""

    item_id: str
    category: str
    """Empty where the item has none."""
    digest: str
    """Of its embedding, by which a changed one is known; empty where that is not known."""
    row: Annotated[int, Field(ge=0)] | None
    """In the folder of embeddings; None once the item was removed."""
    content: str = ""
    """Digest of its text and picture, as EmbeddedItem has it."""


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
    items = list(read_lines(file, IndexedItem, "is no row of an index; build it again with --rebuild"))
    present: set[str] = set()
    for item in items:
        if item.row is not None and item.item_id in present:
            raise UserError(f"{file}: has two rows of item {quoted(item.item_id)}; build it again with --rebuild")
        present |= {item.item_id} if item.row is not None else set()
    return items
