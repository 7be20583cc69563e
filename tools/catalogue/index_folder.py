"""An index in a folder: what finds the items, which items they are, and what they come from.

index.json            what the index is (IndexRecord); written last, so that the folder is as before until then
items_00001.jsonl     a line for each row (IndexedItem)
vectors_00001.faiss   the index of FAISS, or milvus.db/, or nothing where Milvus runs elsewhere
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from data.jsonl import read_records
from engine.checksums import file_checksum
from engine.disk import read_json, write_json
from options.errors import UserError, install_command
from options.printable import quoted
from tools.catalogue.embedding_folder import EMBEDDINGS, EmbeddingFolder, open_embeddings
from tools.catalogue.index_plan import KINDS, KindName
from tools.catalogue.search_backend import RescoredSearch, SearchBackend, Searcher

FORMAT = 1
RECORD = "index.json"
MILVUS_FILE = "milvus.db"
CHANGING = "changing"
"""File that is there while Milvus, unlike files, is changed in place; says which collection."""
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


class IndexedItem(NamedTuple):
    """A row of an index, which no other item ever gets."""

    item_id: str
    category: str
    """Empty where the item has none."""
    digest: str
    """Of its embedding, by which a changed one is known."""
    row: int | None
    """In the folder of embeddings; None once the item was removed."""


@dataclass(frozen=True)
class CatalogueIndex:
    """An index that was opened."""

    path: Path
    record: IndexRecord
    items: list[IndexedItem]
    """Of every row, removed ones too."""
    backend: SearchBackend
    searcher: Searcher
    """The back end, with exact margins where the embeddings are at hand."""

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each item that is there, by id."""
        return {item.item_id: row for row, item in enumerate(self.items) if item.row is not None}

    @cached_property
    def embeddings(self) -> EmbeddingFolder:
        """The embeddings; raises UserError where they are gone or others now."""
        embeddings = open_embeddings(Path(self.record.embeddings))
        if embeddings.record.weights != self.record.weights:
            raise UserError(f"{embeddings.path}: holds embeddings of another checkpoint than {self.path}; build anew")
        if embeddings.record.items != self.record.items:
            self._check_rows(embeddings)
        return embeddings

    def _check_rows(self, embeddings: EmbeddingFolder) -> None:
        """Raise UserError unless each item still has its row there, as it has after others were appended."""
        ids = [item.item_id for item in embeddings.items()]
        for item in self.items:
            if item.row is not None and ids[item.row : item.row + 1] != [item.item_id]:
                raise UserError(
                    f"{embeddings.path}: holds embeddings of other items than {self.path} was built of, its row "
                    f"{item.row + 1:,} is not of {quoted(item.item_id)}; run bash run.sh catalogue index again"
                )


def write_index_record(folder: Path, record: IndexRecord) -> None:
    """Write index.json and remove the files of other generations."""
    write_json(folder / RECORD, asdict(record))
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
    return record


def last_generation(folder: Path) -> int:
    """Return the last generation of which there are files, whether or not index.json can be read; 0 without any."""
    numbers = (file.stem.removeprefix("items_") for file in folder.glob("items_*.jsonl"))
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def open_index(folder: Path, mapped: bool = True) -> CatalogueIndex:
    """Open an index, memory-mapped unless it is to be changed; raises UserError for a missing or damaged one."""
    record = read_index_record(folder)
    if record is None:
        raise UserError(f"{folder / RECORD}: is missing: no index; bash run.sh catalogue index makes one")
    if (folder / CHANGING).exists():
        raise UserError(f"{folder}: a change of the index was interrupted; run bash run.sh catalogue index again")
    for name, checksum in record.checksums.items():
        file = folder / name
        # The vectors may be many GB, and are read whole only where they are changed.
        if not file.is_file() or ((file.suffix != ".faiss" or not mapped) and file_checksum(file) != checksum):
            raise UserError(f"{file}: is missing or damaged, its checksum is another one; build with --rebuild")
    items = read_indexed_items(record.items_file(folder))
    backend = _backend(folder, record, items, mapped)
    index = CatalogueIndex(folder, record, items, backend, backend)
    if mapped and (Path(record.embeddings) / EMBEDDINGS).is_file():
        places = {item.item_id: item.row for item in items if item.row is not None}
        index = replace(index, searcher=RescoredSearch(backend, record.is_exact, index.embeddings, places))
    return index


def _backend(folder: Path, record: IndexRecord, items: list[IndexedItem], mapped: bool) -> SearchBackend:
    need_package(record.backend)
    if record.backend == "milvus":
        from tools.catalogue.milvus_index import MilvusIndex

        return MilvusIndex(record.milvus_address(folder), record.collection, record.threshold_width)
    from tools.catalogue.faiss_index import load_index

    ids = [item.item_id if item.row is not None else None for item in items]
    kind = record.faiss_kind
    return load_index(record.vectors_file(folder), kind, record.threshold_width, ids, record.probes, mapped)


def need_package(backend: BackendName) -> None:
    """Raise UserError where the package of a back end is not installed."""
    package, purpose = ("pymilvus", "milvus") if backend == "milvus" else ("faiss", "index")
    if find_spec(package) is None:
        command = install_command(f"-r requirements-{purpose}.txt")
        raise UserError(f"the package {package} is not installed; run `{command}`")


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
    """Read the rows of an index; raises UserError for a line that is none."""
    items = []
    for number, record in read_records(file):
        texts = [record.get(key) for key in ("item_id", "category", "digest")]
        row = record.get("row")
        if not all(isinstance(text, str) for text in texts) or not isinstance(row, int | None):
            raise UserError(f"{file}:{number}: is no row of an index; build it again with --rebuild")
        items.append(IndexedItem(str(texts[0]), str(texts[1]), str(texts[2]), row))
    return items
