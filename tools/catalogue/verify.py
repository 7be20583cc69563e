"""Whether embeddings and indexes are as they were written: every byte, and what a checksum cannot tell.

Letters of shapes: n rows, W numbers an item.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from engine.checksums import file_checksum
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_folder import EMBEDDINGS, EmbeddingFolder, read_embeddings_record
from tools.catalogue.embedding_shard import AGAIN, ITEMS, NUMBERS, RECORD, EmbeddedItem, EmbeddingShard
from tools.catalogue.index_folder import changed_files, open_index
from tools.catalogue.index_record import RECORD as INDEX
from tools.catalogue.index_record import embedding_digest, read_index_record
from tools.catalogue.search_backend import Numbers

BLOCK = 4096
"""Rows that are looked at at once."""
LARGEST_HALF = 65_504
"""Number of float16; larger ones become infinite."""
LARGEST_LENGTH = 1e18
"""Of an embedding; inner products of longer ones do not fit into float32."""
MOST_SHOWN = 100
"""Faults; a folder that is damaged all over has one for each of its items."""


def verify_folder(folder: Path) -> str:
    """Return what is whole; raises UserError with all faults, for a folder that is neither of both too."""
    is_index = (folder / INDEX).is_file()
    if not is_index and not (folder / EMBEDDINGS).is_file():
        raise UserError(f"{folder}: has neither {EMBEDDINGS} nor {INDEX}; name a folder of catalogue embed or index")
    faults: list[str] = []
    try:
        whole = _look_at_index(folder, faults.append) if is_index else _look_at_embeddings(folder, faults.append)
    except UserError as error:
        faults.append(str(error))
    if faults := list(dict.fromkeys(faults)):  # two ways to find one thing may say the same
        further = [f"and {len(faults) - MOST_SHOWN:,} further faults"] if len(faults) > MOST_SHOWN else []
        listing = "\n  ".join([*faults[:MOST_SHOWN], *further])
        raise UserError(f"{folder}: {len(faults):,} faults:\n  {listing}")
    return f"{folder}: {whole}"


def refuse(fault: str) -> NoReturn:
    """Raise UserError for a fault."""
    raise UserError(fault)


def checked_rows(
    embeddings: EmbeddingFolder,
    half_kind: str = "",
    tell: Callable[[str], None] = refuse,
    shards: Iterable[EmbeddingShard] | None = None,
) -> Iterator[tuple[EmbeddedItem, str]]:
    """Yield the item of each row and the digest of its embedding, once its shard is seen to be as it was written.

    `tell` gets every fault, also an item that is there twice and one whose numbers are not finite or too large for the
    index, and by itself refuses the first one; `half_kind` names a kind of index that stores float16.
    """
    rows: dict[str, int] = {}
    for shard in shards if shards is not None else embeddings.shards():
        try:
            for fault in _file_faults(shard, embeddings.record.encoding):
                tell(fault)
            for row, (item, numbers) in zip(shard.rows, _rows(shard), strict=True):
                if item.item_id in rows:
                    before = f"which row {rows[item.item_id] + 1:,} is of already"
                    tell(f"{shard.file(ITEMS)}: has {quoted(item.item_id)}, {before}; {shard.advice}")
                if not np.isfinite(numbers).all():
                    whose = f"the embedding of {quoted(item.item_id)}"
                    tell(f"{shard.file(NUMBERS)}: {whose} is not finite; {shard.advice}")
                elif fault := _too_large(item, numbers, half_kind):
                    tell(fault)
                rows[item.item_id] = row
                yield item, embedding_digest(numbers.tobytes())
        except UserError as error:
            tell(str(error))


def _look_at_embeddings(path: Path, tell: Callable[[str], None]) -> str:
    record = read_embeddings_record(path)
    assert record is not None, "its file is there"
    embeddings = EmbeddingFolder(path, record)
    # The record may speak of any number of shards, and those of an earlier, longer run may be there.
    there = {int(file.stem[6:]) for file in path.glob(f"shard_*{RECORD}") if file.stem[6:].isdecimal()}
    known = sorted(number for number in there if number < record.num_shards)
    for number in sorted(there.difference(known)):
        file = embeddings.shard(number).file(RECORD)
        tell(f"{path / EMBEDDINGS}: num_items is {record.num_items:,}, but there is {file} of further items; {AGAIN}")
    if missing := record.num_shards - len(known):
        tell(f"{path / EMBEDDINGS}: {missing:,} of {record.num_shards:,} shards are missing; {AGAIN}")
    for _ in checked_rows(embeddings, tell=tell, shards=map(embeddings.shard, known)):
        pass
    return f"embeddings of {len(embeddings):,} items, as they were written"


def _look_at_index(folder: Path, tell: Callable[[str], None]) -> str:
    record = read_index_record(folder)
    assert record is not None, "its file is there"
    for fault in changed_files(folder, record, every_byte=True):
        tell(fault)
    index = open_index(folder)
    if not index.has_embeddings:
        beside = f"; {record.embeddings} holds no embeddings to compare with"
        return f"an index of {len(index.rows):,} items, as it was written{beside}"
    digests = [digest for _, digest in checked_rows(index.embeddings)]
    for item in index.items:
        if item.row is not None and digests[item.row] != item.digest:
            tell(
                f"{index.embeddings.path}: the embedding of {quoted(item.item_id)} is not that of which {folder} was "
                "built; run bash run.sh catalogue index again"
            )
    return f"an index of {len(index.rows):,} items, as it was written"


def _file_faults(shard: EmbeddingShard, encoding: str) -> Iterator[str]:
    record = shard.record()
    if record is None or record.num_items != len(shard.rows):
        yield f"{shard.file(RECORD)}: is missing, or of other items than {len(shard.rows):,}; {shard.advice}"
        return
    if record.encoding != encoding:
        stated = f"as {EMBEDDINGS} says (widths, type, weights, options)"
        yield f"{shard.file(RECORD)}: was not encoded {stated}; {shard.advice}"
    for suffix in (NUMBERS, ITEMS):
        file = shard.file(suffix)
        if not file.is_file():
            yield f"{file}: is missing; {shard.advice}"
        elif file_checksum(file) != record.checksums.get(suffix):
            yield f"{file}: is damaged or another one, its checksum is not that of its shard; {shard.advice}"


def _rows(shard: EmbeddingShard) -> Iterator[tuple[EmbeddedItem, Numbers]]:
    """Yield the item and the numbers (W,) of each row; raises UserError for files that cannot be read."""
    packed, items = shard.packed(), shard.items()
    for first in range(0, len(packed), BLOCK):
        yield from zip(items, np.asarray(packed[first : first + BLOCK], np.float32), strict=False)
    for _ in items:  # says that there are too many
        pass


def _too_large(item: EmbeddedItem, numbers: Numbers, half_kind: str) -> str:
    largest = float(np.abs(numbers).max())
    if half_kind and largest > LARGEST_HALF:
        return (
            f"item {quoted(item.item_id)}: its embedding has a number of {largest:,.0f}, and an index of kind "
            f"{half_kind} keeps none above {LARGEST_HALF:,}: take --kind flat or ivf_sq8 (with --rebuild, if need be)"
        )
    # Without squares, which would overflow themselves.
    if largest * len(numbers) ** 0.5 > LARGEST_LENGTH:
        return (
            f"item {quoted(item.item_id)}: its embedding has a number of {largest:.3g}, with which no margin fits into "
            "float32; the checkpoint is of no use"
        )
    return ""
