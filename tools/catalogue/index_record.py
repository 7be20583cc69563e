"""What index.json says of an index."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from engine.checksums import own_checksum
from engine.disk import read_json, write_json
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.index_plan import KINDS, KindName

FORMAT = 1
RECORD = "index.json"
MILVUS_FILE = "milvus.db"
COLLECTION = "items"
BackendName = Literal["faiss", "milvus"]


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """What index.json says."""

    format: int
    backend: BackendName
    kind: str
    """Of FAISS: a kind of tools/catalogue/index_plan.py; of Milvus: FLAT or AUTOINDEX."""
    lists: int
    probes: int
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
    threshold_width: int
    match_width: int
    generation: int
    """Counts the changes; files of others are left over from an interrupted one."""
    num_rows: int
    num_removed: int
    checksums: Mapping[str, str]
    """SHA-256 of its files, by name."""
    items: str | None = None
    """SHA-256 of the item file of the embeddings; None in an index of before it was kept."""
    options: Mapping[str, JsonValue] | None = None
    """Those that the embeddings depend on; None in an index of before they were kept."""
    own_checksum: str = ""
    """SHA-256 of all that is said above; empty in an index of before it was kept."""

    def faults(self) -> list[str]:
        """Return what cannot be so, or is not what was written."""
        least = {"lists": 0, "probes": 0, "threshold_width": 0, "match_width": 1, "generation": 1, "num_removed": 0}
        faults = [
            f"{name} is {getattr(self, name):,}" for name, number in least.items() if getattr(self, name) < number
        ]
        if self.num_rows < self.num_removed:
            faults.append(f"num_rows is {self.num_rows:,}, and num_removed {self.num_removed:,}")
        if any("\0" in text for text in (self.address, self.collection, self.embeddings)):
            faults.append("a path has a NUL")
        files = {self.items_file(Path()).name, *([self.vectors_file(Path()).name] if self.backend == "faiss" else [])}
        if set(self.checksums) != files:
            faults.append(f"checksums are of {quoted(', '.join(self.checksums))}, not of {', '.join(sorted(files))}")
        if self.own_checksum and self.own_checksum != own_checksum(self):
            faults.append("it was changed since it was written")
        return faults

    @property
    def is_exact(self) -> bool:
        """Whether it finds the best items for certain, with their exact margins."""
        return self.kind == "FLAT" if self.backend == "milvus" else KINDS[self.faiss_kind].is_exact

    @property
    def faiss_kind(self) -> KindName:
        """The kind of an index of FAISS."""
        return next(name for name in KINDS if name == self.kind)

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
    if record is not None and record.format != FORMAT:
        raise UserError(f"{folder / RECORD}: format {record.format} is not {FORMAT}, which is read here; --rebuild")
    if record is not None and record.backend == "faiss" and record.kind not in KINDS:
        raise UserError(f"{folder / RECORD}: there is no kind {quoted(record.kind)}; build the index with --rebuild")
    if record is not None and (faults := record.faults()):
        raise UserError(f"{folder / RECORD}: is damaged: {faults[0]}; build the index again with --rebuild")
    return record


def last_generation(folder: Path) -> int:
    """Return the last generation of which there are files, whether or not index.json can be read; 0 without any."""
    numbers = (file.stem.removeprefix("items_") for file in folder.glob("items_*.jsonl"))
    return max((int(number) for number in numbers if number.isdecimal()), default=0)
