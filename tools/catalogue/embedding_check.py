"""Whether embeddings are as they were written: every byte by its checksum, and what a checksum cannot tell.

Letters of shapes: n rows, W numbers an item.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.checksums import file_checksum
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_folder import ITEMS, NUMBERS, RECORD, EmbeddedItem, EmbeddingFolder, EmbeddingShard
from tools.catalogue.embeddings_record import AGAIN, EMBEDDINGS, read_embeddings_record
from tools.catalogue.indexed_items import embedding_digest
from tools.catalogue.search_backend import Numbers

BLOCK = 4096
"""Rows that are looked at at once."""
LARGEST_HALF = 65_504
"""Number of float16; larger ones become infinite."""
LARGEST_LENGTH = 1e18
"""Of an embedding; inner products of longer ones do not fit into float32."""


def checked_rows(embeddings: EmbeddingFolder, half_kind: str = "") -> Iterator[tuple[EmbeddedItem, str]]:
    """Yield the item of each row and the digest of its embedding, once its shard is seen to be as it was written.

    `half_kind` names a kind of index that stores float16. Raises UserError for the first fault, also of an item that
    is there twice and of one whose numbers are not finite or too large for the index.
    """
    rows: dict[str, int] = {}
    for shard in embeddings.shards():
        for fault in _file_faults(shard, embeddings.record.encoding):
            raise UserError(fault)
        for row, (item, numbers) in zip(shard.rows, _rows(shard), strict=True):
            if fault := _row_fault(shard, rows, item, numbers) or _too_large(item, numbers, half_kind):
                raise UserError(fault)
            rows[item.item_id] = row
            yield item, embedding_digest(numbers.tobytes())


def embedding_faults(path: Path) -> Iterator[str]:
    """Yield all that is wrong with a folder of embeddings, a sentence each with what to do."""
    try:
        record = read_embeddings_record(path)
    except UserError as error:
        yield str(error)
        return
    if record is None:
        yield f"{path / EMBEDDINGS}: is missing; {AGAIN}"
        return
    embeddings = EmbeddingFolder(path, record)
    numbers = {int(file.stem[6:]) for file in path.glob(f"shard_*{RECORD}") if file.stem[6:].isdecimal()}
    for number in sorted(number for number in numbers if number >= record.num_shards):
        yield (
            f"{path / EMBEDDINGS}: num_items is {record.num_items:,}, but there is "
            f"{embeddings.shard(number).file(RECORD)} of further items; {AGAIN}"
        )
    missing = record.num_shards - len({number for number in numbers if number < record.num_shards})
    if missing:
        yield f"{path / EMBEDDINGS}: {missing:,} of {record.num_shards:,} shards are missing; {AGAIN}"
    encoding = record.encoding
    rows: dict[str, int] = {}
    for number in sorted(number for number in numbers if number < record.num_shards):
        shard = embeddings.shard(number)
        yield from _file_faults(shard, encoding)
        try:
            for row, (item, own) in zip(shard.rows, _rows(shard), strict=True):
                if fault := _row_fault(shard, rows, item, own):
                    yield fault
                rows[item.item_id] = row
        except UserError as error:
            yield str(error)


def _file_faults(shard: EmbeddingShard, encoding: str) -> Iterator[str]:
    try:
        record = shard.record()
    except UserError as error:
        yield str(error)
        return
    if record is None or record.num_items != len(shard.rows):
        yield f"{shard.file(RECORD)}: is missing, or of other items than {len(shard.rows):,}; {shard.advice}"
        return
    if record.encoding != encoding:
        yield (
            f"{shard.file(RECORD)}: was not encoded as {EMBEDDINGS} says (widths, type, weights, options); "
            f"{shard.advice}"
        )
    for suffix in (NUMBERS, ITEMS):
        file = shard.file(suffix)
        if not file.is_file():
            yield f"{file}: is missing; {shard.advice}"
        elif file_checksum(file) != record.checksums.get(suffix):
            yield f"{file}: is damaged or another one, its checksum is not that of its shard; {shard.advice}"


def _rows(shard: EmbeddingShard) -> Iterator[tuple[EmbeddedItem, Numbers]]:
    """Yield the item and the numbers (W,) of each row; raises UserError for files that cannot be read."""
    packed = shard.packed()
    items = shard.items()
    for first in range(0, len(packed), BLOCK):
        yield from zip(items, np.asarray(packed[first : first + BLOCK], np.float32), strict=False)
    for _ in items:  # says that there are too many
        pass


def _row_fault(shard: EmbeddingShard, rows: dict[str, int], item: EmbeddedItem, numbers: Numbers) -> str:
    if item.item_id in rows:
        return (
            f"{shard.file(ITEMS)}: has {quoted(item.item_id)}, which row {rows[item.item_id] + 1:,} is of already; "
            f"{shard.advice}"
        )
    if not np.isfinite(numbers).all():
        return f"{shard.file(NUMBERS)}: the embedding of {quoted(item.item_id)} is not finite; {shard.advice}"
    return ""


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
