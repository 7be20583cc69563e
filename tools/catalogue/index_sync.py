"""Bringing an index up to a folder of embeddings: new items added, gone ones removed, changed ones replaced."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from engine.checksums import file_checksum
from engine.disk import sole_user, whole_path, write_lines, write_text
from options.errors import UserError
from options.printable import without_credentials
from tools.catalogue.embedding_folder import EmbeddingFolder
from tools.catalogue.index_folder import CHANGING, need_package, open_index
from tools.catalogue.index_plan import KINDS, KindName, plan_index
from tools.catalogue.index_record import (
    COLLECTION,
    FORMAT,
    BackendName,
    IndexedItem,
    IndexRecord,
    last_generation,
    read_index_record,
    write_index_record,
)
from tools.catalogue.search_backend import SearchBackend
from tools.catalogue.verify import checked_rows

BLOCK = 4096
"""Items that are read and added at once."""


@dataclass(frozen=True, slots=True)
class IndexChoice:
    """What the user asks for."""

    backend: BackendName = "faiss"
    kind: KindName | Literal["auto"] = "auto"
    """Of FAISS: auto or a kind of tools/catalogue/index_plan.py."""
    memory: float = 8e9
    """Bytes that an index of FAISS may take."""
    probes: int | None = None
    """None for those of the kind."""
    address: str = ""
    """Of a Milvus that runs elsewhere."""
    collection: str = ""
    """Of Milvus; empty for that of the index, of a new or rebuilt one COLLECTION."""
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class IndexChange:
    """What was done."""

    record: IndexRecord
    num_added: int
    num_removed: int
    num_kept: int


@dataclass(frozen=True, slots=True)
class _Difference:
    """Between an index and embeddings."""

    kept: list[IndexedItem]
    """The rows that there are, those of gone and changed items removed."""
    new: list[IndexedItem]
    gone: list[str]
    """Ids, changed items among them."""


def synchronise(embeddings: EmbeddingFolder, folder: Path, choice: IndexChoice) -> IndexChange:
    """Make the index of a folder, or change it so that it holds what the embeddings hold.

    Raises UserError for an index of another checkpoint, kind or engine than asked for, for damaged files, and for a
    Milvus collection that may be of another index.
    """
    need_package(choice.backend)
    with sole_user(folder / ".lock", "builds an index"):
        is_broken = (folder / CHANGING).exists()
        record = None if choice.rebuild or is_broken else read_index_record(folder)
        if record is None:
            return _build(embeddings, folder, choice)
        _check_goes_on(record, embeddings, choice, folder)
        if record.backend == "faiss":
            record = replace(record, probes=choice.probes or record.probes)
        opened = open_index(folder, mapped=False)
        difference = _compare(opened.items, embeddings, record.kind)
        if record.backend == "milvus":
            write_text(folder / CHANGING, _collection_name(record))
        opened.backend.remove(difference.gone)
        return _finish(embeddings, folder, record, opened.backend, difference)


def _build(embeddings: EmbeddingFolder, folder: Path, choice: IndexChoice) -> IndexChange:
    own = embeddings.record
    record = IndexRecord(
        format=FORMAT,
        backend=choice.backend,
        kind="AUTOINDEX" if choice.address else "FLAT",
        lists=0,
        probes=choice.probes or 0,
        address=choice.address,
        collection=choice.collection or COLLECTION if choice.backend == "milvus" else "",
        embeddings="",
        run=own.run,
        weights=own.weights,
        threshold_width=own.threshold_width,
        match_width=own.match_width,
        generation=last_generation(folder),
        num_rows=0,
        num_removed=0,
        checksums={},
    )
    backend: SearchBackend
    if choice.backend == "milvus":
        from tools.catalogue.milvus_index import MilvusIndex

        backend = MilvusIndex(record.milvus_address(folder), record.collection, own.threshold_width)
        if backend.exists() and not (choice.rebuild or _is_own(record, folder)):
            raise UserError(
                f"{folder}: the collection {record.collection} is there already in Milvus, perhaps of another index; "
                "name another one (--collection), or replace it (--rebuild)"
            )
        difference = _compare([], embeddings, record.kind)
        write_text(folder / CHANGING, _collection_name(record))
        backend.create(own.width, record.kind)
    else:
        from tools.catalogue.faiss_index import create_index, sample_size

        plan = plan_index(choice.kind, len(embeddings), own.width, choice.memory)
        record = replace(record, kind=plan.kind, lists=plan.lists, probes=choice.probes or KINDS[plan.kind].probes)
        print(f"{plan.kind} index of {len(embeddings):,} items: {plan.memory / 1e9:.2f} GB", file=sys.stderr)
        difference = _compare([], embeddings, plan.kind)
        sample = embeddings.sample(max(1, sample_size(plan)))
        backend = create_index(plan, sample, own.threshold_width, record.probes)
    return _finish(embeddings, folder, record, backend, difference)


def _is_own(record: IndexRecord, folder: Path) -> bool:
    """Return whether a collection is within the folder, or the one of which a change was interrupted."""
    file = folder / CHANGING
    return not record.address or (file.exists() and file.read_text(encoding="utf-8") == _collection_name(record))


def _collection_name(record: IndexRecord) -> str:
    return f"{record.address} {record.collection}\n"


def _finish(
    embeddings: EmbeddingFolder, folder: Path, record: IndexRecord, backend: SearchBackend, difference: _Difference
) -> IndexChange:
    """Add what is new, write all files of the next generation and make them the index."""
    new, items = difference.new, difference.kept + difference.new
    with tqdm(total=len(new), desc="index", unit="item", leave=False, disable=None) as progress:
        for first in range(0, len(new), BLOCK):
            some = new[first : first + BLOCK]
            packed = embeddings.take([item.row for item in some if item.row is not None])
            backend.add([item.item_id for item in some], packed)
            progress.update(len(some))
    num_present = sum(item.row is not None for item in items)
    record = replace(
        record,
        embeddings=str(embeddings.path.resolve()),
        items=embeddings.record.items,
        options=embeddings.record.options,
        generation=record.generation + 1,
        num_rows=len(items),
        num_removed=len(items) - num_present,
    )
    files = [record.items_file(folder)]
    write_lines(files[0], (item._asdict() for item in items))
    if record.backend == "faiss":
        from tools.catalogue.faiss_index import FaissIndex

        assert isinstance(backend, FaissIndex)
        files.append(record.vectors_file(folder))
        with whole_path(files[1]) as temporary:
            backend.save(temporary)
    record = replace(record, checksums={file.name: file_checksum(file) for file in files})
    write_index_record(folder, record)
    (folder / CHANGING).unlink(missing_ok=True)
    return IndexChange(record, len(new), len(difference.gone), num_present - len(new))


def _compare(items: list[IndexedItem], embeddings: EmbeddingFolder, kind: str) -> _Difference:
    """Tell which items are new, gone and changed; reads and checks all embeddings, before anything is changed.

    Raises UserError for damaged ones, and for numbers that the kind of index cannot hold.
    """
    half_kind = next((name for name in KINDS if name == kind and KINDS[name].half_precision), "")
    there = {
        item.item_id: IndexedItem(item.item_id, item.category, digest, row, item.content)
        for row, (item, digest) in enumerate(checked_rows(embeddings, half_kind))
    }
    kept, gone = [], []
    for item in items:
        found = there.get(item.item_id) if item.row is not None else None
        if found is not None and found.digest == item.digest:
            kept.append(there.pop(item.item_id))
            continue
        kept.append(item._replace(row=None))
        gone += [item.item_id] if item.row is not None else []
    return _Difference(kept, list(there.values()), gone)


def _check_goes_on(record: IndexRecord, embeddings: EmbeddingFolder, choice: IndexChoice, folder: Path) -> None:
    own = embeddings.record
    for what, found, wanted in (
        ("the checkpoint", record.weights, own.weights),
        ("the width of the threshold half", record.threshold_width, own.threshold_width),
        ("the width of the match half", record.match_width, own.match_width),
        ("the engine", record.backend, choice.backend),
        ("the kind", record.kind, record.kind if choice.kind == "auto" else choice.kind),
        ("the address (user and password are not shown)", record.address, choice.address or record.address),
        ("the collection", record.collection, choice.collection or record.collection),
    ):
        if found != wanted:
            there, asked = (without_credentials(str(value)) for value in (found, wanted))
            raise UserError(f"{folder}: holds an index of which {what} is {there}, not {asked}; --rebuild replaces it")
