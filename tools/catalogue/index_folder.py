"""An index in a folder: what finds the items, which items they are, and what they come from.

index.json            what the index is (IndexRecord); written last, so that the folder is as before until then
items_00001.jsonl     a line for each row (IndexedItem)
vectors_00001.faiss   the index of FAISS, or milvus.db/, or nothing where Milvus runs elsewhere
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from engine.checksums import file_checksum
from options.errors import UserError, install_command
from options.printable import quoted
from tools.catalogue.embedding_folder import EMBEDDINGS, EmbeddingFolder, open_embeddings
from tools.catalogue.index_record import (
    RECORD,
    BackendName,
    IndexedItem,
    IndexRecord,
    read_index_record,
    read_indexed_items,
)
from tools.catalogue.rescored_search import IndexedNumbers, RescoredSearch
from tools.catalogue.search_backend import SearchBackend

CHANGING = "changing"
"""File that is there while Milvus, unlike files, is changed in place; says which collection."""
READ_WHOLE = 2**28
"""Bytes of vectors up to which a search reads all of them before, to see that they are as they were written."""


@dataclass(frozen=True)
class CatalogueIndex:
    """An index that was opened."""

    path: Path
    record: IndexRecord
    items: list[IndexedItem]
    """Of every row, removed ones too."""
    backend: SearchBackend

    @cached_property
    def searcher(self) -> RescoredSearch:
        """The back end, with exact margins where the embeddings are at hand."""
        numbers = self.numbers if self.has_embeddings else None
        width = self.record.threshold_width
        return RescoredSearch(self.backend, self.record.is_exact, numbers, self.items, width, self.path)

    @property
    def has_embeddings(self) -> bool:
        """Whether the embeddings are where they were when the index was built."""
        try:
            return (Path(self.record.embeddings) / EMBEDDINGS).is_file()
        except OSError:  # no folder can have such a name
            return False

    @cached_property
    def numbers(self) -> IndexedNumbers:
        """The embeddings of rows; raises UserError as embeddings does."""
        return IndexedNumbers(self.embeddings, self.items)

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
        for name in ("threshold_width", "match_width"):
            found, expected = getattr(embeddings.record, name), getattr(self.record, name)
            if found != expected:
                raise UserError(f"{embeddings.path}: {name} is {found:,}, and {expected:,} in {self.path}; build anew")
        if embeddings.record.items != self.record.items:
            self._check_rows(embeddings)
        if lost := [item for item in self.items if item.row is not None and item.row >= len(embeddings)]:
            raise UserError(f"{embeddings.path}: has no row of {quoted(lost[0].item_id)}; build {self.path} anew")
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


def open_index(folder: Path, mapped: bool = True) -> CatalogueIndex:
    """Open an index, memory-mapped unless it is to be changed; raises UserError for a missing or damaged one."""
    record = read_index_record(folder)
    if record is None:
        raise UserError(f"{folder / RECORD}: is missing: no index; bash run.sh catalogue index makes one")
    if (folder / CHANGING).exists():
        raise UserError(f"{folder}: a change of the index was interrupted; run bash run.sh catalogue index again")
    for fault in changed_files(folder, record, every_byte=not mapped):
        raise UserError(fault)
    items = read_indexed_items(record.items_file(folder))
    num_removed = sum(item.row is None for item in items)
    if (len(items), num_removed) != (record.num_rows, record.num_removed):
        raise UserError(f"{record.items_file(folder)}: has other rows than {RECORD} says; build with --rebuild")
    index = CatalogueIndex(folder, record, items, _backend(folder, record, items, mapped))
    if mapped and index.has_embeddings:
        # Said here, not in the middle of a search.
        _ = index.embeddings
    return index


def changed_files(folder: Path, record: IndexRecord, every_byte: bool) -> Iterator[str]:
    """Yield a sentence for each file of an index that is missing or not as it was written.

    Without `every_byte` many GB of vectors are not read, unless the file is newer than index.json, which was last.
    """
    written = (folder / RECORD).stat().st_mtime_ns
    for name, checksum in record.checksums.items():
        file = folder / name
        status = file.stat() if file.is_file() else None
        is_passed = status is not None and status.st_size > READ_WHOLE and status.st_mtime_ns <= written
        is_passed = is_passed and file.suffix == ".faiss" and not every_byte
        if status is None or not (is_passed or file_checksum(file) == checksum):
            yield f"{file}: is missing or damaged, its checksum is another one; build with --rebuild"


def _backend(folder: Path, record: IndexRecord, items: list[IndexedItem], mapped: bool) -> SearchBackend:
    need_package(record.backend)
    backend: SearchBackend
    if record.backend == "milvus":
        from tools.catalogue.milvus_index import MilvusIndex

        file = folder
        present = [item.item_id for item in items if item.row is not None]
        backend = MilvusIndex(record.milvus_address(folder), record.collection, record.threshold_width, present)
        backend.load()
        if len(backend) != len(present):
            raise UserError(
                f"{folder}: the collection {record.collection} has {len(backend):,} items in Milvus, not "
                f"{len(present):,}; build with --rebuild"
            )
    else:
        from tools.catalogue.faiss_index import load_index

        file = record.vectors_file(folder)
        ids = [item.item_id if item.row is not None else None for item in items]
        backend = load_index(file, record.faiss_kind, record.threshold_width, ids, record.probes, mapped)
    if backend.width != record.width:
        raise UserError(
            f"{file}: has {backend.width:,} numbers an item, and {RECORD} says {record.threshold_width:,} and "
            f"{record.match_width:,}; build with --rebuild"
        )
    return backend


def need_package(backend: BackendName) -> None:
    """Raise UserError where the package of a back end is not installed."""
    package, purpose = ("pymilvus", "milvus") if backend == "milvus" else ("faiss", "index")
    if find_spec(package) is None:
        command = install_command(f"-r requirements-{purpose}.txt")
        raise UserError(f"the package {package} is not installed; run `{command}`")
