"""Whether a folder of embeddings or an index is as it was written."""

from collections.abc import Iterator
from pathlib import Path

from engine.checksums import file_checksum
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_check import checked_rows, embedding_faults
from tools.catalogue.embedding_folder import open_embeddings
from tools.catalogue.embeddings_record import EMBEDDINGS
from tools.catalogue.index_folder import CatalogueIndex, open_index
from tools.catalogue.index_record import RECORD, read_index_record

MOST_SHOWN = 100
"""Faults; a folder that is damaged all over has one for each of its items."""


def verify_folder(folder: Path) -> str:
    """Return what is whole; raises UserError with all faults, for a folder that is neither of both too."""
    is_index = (folder / RECORD).is_file()
    if not is_index and not (folder / EMBEDDINGS).is_file():
        raise UserError(f"{folder}: has neither {EMBEDDINGS} nor {RECORD}; name a folder of catalogue embed or index")
    # Two ways to find one thing may say the same.
    faults = list(dict.fromkeys(index_faults(folder) if is_index else embedding_faults(folder)))
    if faults:
        further = [f"and {len(faults) - MOST_SHOWN:,} further faults"] if len(faults) > MOST_SHOWN else []
        listing = "\n  ".join([*faults[:MOST_SHOWN], *further])
        raise UserError(f"{folder}: {len(faults):,} faults:\n  {listing}")
    if is_index:
        index = open_index(folder)
        beside = "" if index.has_embeddings else f"; {index.record.embeddings} holds no embeddings to compare with"
        return f"{folder}: an index of {len(index.rows):,} items, as it was written{beside}"
    return f"{folder}: embeddings of {len(open_embeddings(folder)):,} items, as they were written"


def index_faults(folder: Path) -> Iterator[str]:
    """Yield all that is wrong with an index, a sentence each with what to do."""
    try:
        record = read_index_record(folder)
    except UserError as error:
        yield str(error)
        return
    if record is None:
        return
    for name, checksum in record.checksums.items():
        file = folder / name
        if not file.is_file() or file_checksum(file) != checksum:
            yield f"{file}: is missing or damaged, its checksum is another one; build with --rebuild"
    try:
        index = open_index(folder)
        if index.has_embeddings:
            yield from _differences(index)
    except UserError as error:
        yield str(error)


def _differences(index: CatalogueIndex) -> Iterator[str]:
    """Yield which items have other embeddings now; raises UserError for embeddings that are damaged."""
    digests = [digest for _, digest in checked_rows(index.embeddings)]
    for item in index.items:
        if item.row is not None and digests[item.row] != item.digest:
            yield (
                f"{index.embeddings.path}: the embedding of {quoted(item.item_id)} is not that of which {index.path} "
                "was built; run bash run.sh catalogue index again"
            )
