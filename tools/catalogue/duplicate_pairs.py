"""Pairs of a catalogue whose margins exceed a bound, found and kept block by block, so that only new items are work.

Letters of shapes: n items of a block, B pairs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from tqdm import tqdm

from engine.disk import whole_path
from tools.catalogue.index_folder import CatalogueIndex
from tools.catalogue.index_record import rows_digest
from tools.catalogue.search_backend import Neighbour, Numbers, Searcher

BLOCK = 2048
"""Items that are searched for at once; as much is lost at most when the search is killed."""
FIRST_DEPTH = 16
"""Neighbours that are asked for at first; twice as many as long as the last one exceeds the bound."""
MOST = 1024
"""Neighbours of an item that are kept."""


class FoundPairs(NamedTuple):
    """B pairs of rows of an index, each once."""

    source: NDArray[np.int64]
    """(B,) the lower rows"""
    target: NDArray[np.int64]
    """(B,) the higher rows"""
    margin: NDArray[np.float64]
    """(B,)"""
    num_searched: int
    """Items that were searched for now, not in an earlier run."""
    num_cut_off: int
    """Items with more than MOST neighbours, of which the others are left out."""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """What a block of rows was searched in."""

    first: int
    end: int
    """The row after the last one."""
    num_rows: int
    """Of the index then."""
    digest: str
    """Of these rows."""
    search: str
    """How the index found its neighbours."""
    bound: float
    cut_off: tuple[float, ...]
    """The lowest margin of each item with MOST neighbours: only below it others were left out."""


class _Block(NamedTuple):
    record: BlockRecord
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    margin: NDArray[np.float64]


def find_pairs(index: CatalogueIndex, bound: float, folder: Path) -> FoundPairs:
    """Return the pairs of items whose margins exceed a bound, keeping them in a folder block by block.

    Blocks of an earlier run stay valid while the index has their rows: margins are symmetric, so that the pairs of old
    and new items are found by searching for the new ones.
    """
    blocks = list(_kept_blocks(index, bound, folder))
    start = blocks[-1].record.end if blocks else 0
    rows = range(start, len(index.items))
    digest = rows_digest(index.items)
    with tqdm(total=len(rows), desc="pairs", unit="item", leave=False, disable=None) as progress:
        for first in rows[::BLOCK]:
            end = min(first + BLOCK, rows.stop)
            blocks.append(_search(index, range(first, end), digest, bound))
            _write(_file(folder, len(blocks) - 1), blocks[-1])
            progress.update(end - first)
    for number in count(len(blocks)):
        if not _file(folder, number).exists():
            break
        _file(folder, number).unlink()
    return _merged(index, blocks, bound, len(rows))


def neighbours_above(searcher: Searcher, packed: Numbers, bound: float) -> list[list[Neighbour]]:
    """Return the items of each of n queries (n, numbers an item) whose margins exceed a bound, MOST at most."""
    found: list[list[Neighbour]] = [[] for _ in packed]
    waiting, depth = list(range(len(packed))), FIRST_DEPTH
    while waiting:
        deeper = []
        for query, own in zip(waiting, searcher.search(packed[waiting], depth), strict=True):
            found[query] = [neighbour for neighbour in own if neighbour.margin > bound]
            if len(found[query]) == depth < MOST:
                deeper.append(query)
        waiting, depth = deeper, min(2 * depth, MOST)
    return found


def _search(index: CatalogueIndex, rows: range, digest: str, bound: float) -> _Block:
    present = [row for row in rows if index.items[row].row is not None]
    found = neighbours_above(index.searcher, index.numbers.take(present), bound)
    pairs = [
        (row, index.rows[neighbour.item_id], neighbour.margin)
        for row, own in zip(present, found, strict=True)
        for neighbour in own
        if index.rows[neighbour.item_id] != row
    ]
    source, target, margin = zip(*pairs, strict=True) if pairs else ((), (), ())
    cut_off = tuple(own[-1].margin for own in found if len(own) == MOST)
    record = BlockRecord(rows.start, rows.stop, len(index.items), digest, _search_name(index), bound, cut_off)
    return _Block(record, np.array(source, np.int64), np.array(target, np.int64), np.array(margin, np.float64))


def _kept_blocks(index: CatalogueIndex, bound: float, folder: Path) -> Iterator[_Block]:
    """Yield the blocks of earlier runs, in the order of their rows, up to the first one that is not valid any more."""
    digests: dict[int, str] = {}
    end = 0
    for number in count():
        block = _read(_file(folder, number))
        if block is None:
            return
        record = block.record
        if record.num_rows not in digests:
            digests[record.num_rows] = rows_digest(index.items[: record.num_rows])
        is_valid = (
            record.first == end
            and record.num_rows <= len(index.items)
            and record.digest == digests[record.num_rows]
            and record.search == _search_name(index)
            and record.bound <= bound
        )
        if not is_valid:
            return
        end = record.end
        yield block


def _search_name(index: CatalogueIndex) -> str:
    record = index.record
    return f"{record.backend} {record.kind} {record.lists} {record.probes}"


def _merged(index: CatalogueIndex, blocks: Sequence[_Block], bound: float, num_searched: int) -> FoundPairs:
    """Bring together pairs, mostly found from both sides; those of removed items are left out."""
    one = np.concatenate([np.empty(0, np.int64), *(block.source for block in blocks)])
    other = np.concatenate([np.empty(0, np.int64), *(block.target for block in blocks)])
    margin = np.concatenate([np.empty(0, np.float64), *(block.margin for block in blocks)])
    is_present = np.array([item.row is not None for item in index.items], np.bool_)
    keep = is_present[one] & is_present[other]
    low, high = np.minimum(one, other)[keep], np.maximum(one, other)[keep]
    _, first = np.unique(low * len(index.items) + high, return_index=True)
    num_cut_off = sum(lowest > bound for block in blocks for lowest in block.record.cut_off)
    return FoundPairs(low[first], high[first], margin[keep][first], num_searched, num_cut_off)


def _file(folder: Path, number: int) -> Path:
    return folder / f"block_{number:05d}.npz"


def _write(file: Path, block: _Block) -> None:
    record = TypeAdapter(BlockRecord).dump_json(block.record).decode()
    with whole_path(file) as temporary, temporary.open("wb") as stream:
        np.savez(stream, record=np.array(record), source=block.source, target=block.target, margin=block.margin)


def _read(file: Path) -> _Block | None:
    """Read a block; None where there is none, or a damaged one or one of rounded margins, which is found again."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            record = TypeAdapter(BlockRecord).validate_json(str(kept["record"]))
            block = _Block(record, kept["source"], kept["target"], kept["margin"])
            return block if block.margin.dtype == np.float64 else None
    except (OSError, ValueError, KeyError, EOFError, ValidationError, BadZipFile):
        return None
