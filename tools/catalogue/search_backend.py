"""What finds the items with the highest margins, whichever engine it is made of, and margins from their own numbers.

Letters of shapes: M queries or rows, N items, W numbers an item.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.embedding import as_query
from tools.catalogue.embedding_folder import EmbeddingFolder

CANDIDATES = 4
"""Of an approximate search, for each item that is asked for; the best of them by their own margins are kept."""
SPARE = 8
"""Candidates of an exact search beyond those that are asked for, as its float32 may exchange close ones."""
Numbers = NDArray[np.float32]


class Neighbour(NamedTuple):
    """An item of the catalogue and its margin with a query."""

    item_id: str
    margin: float


def query_numbers(packed: Numbers, threshold_width: int) -> Numbers:
    """Return stored numbers (M, W) as queries of an inner-product index (M, W): models.embedding.as_query."""
    # A copy, since what is memory-mapped may not be written to, which torch cannot express.
    return as_query(torch.from_numpy(np.array(packed, np.float32)), threshold_width).numpy()


class SearchBackend(Protocol):
    """Items by their ids; all numbers are packed as stored, threshold half first, queries too."""

    def __len__(self) -> int:
        """Return how many items there are."""

    def add(self, item_ids: Sequence[str], packed: Numbers) -> None:
        """Add items that are not there yet, with their numbers (M, W)."""

    def remove(self, item_ids: Sequence[str]) -> None:
        """Remove items that are there."""

    def search(self, packed: Numbers, k: int) -> list[list[Neighbour]]:
        """Return the k items with the highest margins for each of M queries (M, W), the highest first.

        They are fewer where there are fewer items, or an approximate index has found no more.
        """


class EmbeddedRows:
    """The numbers of the N items of a folder, memory-mapped."""

    def __init__(self, folder: EmbeddingFolder) -> None:
        """Map all shards; raises UserError for a damaged one."""
        shards = list(folder.shards())
        self._first_rows = [shard.rows.start for shard in shards]
        self._packed = [shard.packed() for shard in shards]
        self._width = folder.record.threshold_width + folder.record.match_width

    def take(self, rows: Sequence[int]) -> Numbers:
        """Return the numbers of M rows: (M, W) float32, threshold half first."""
        taken = np.empty((len(rows), self._width), np.float32)
        for place, row in enumerate(rows):
            shard = bisect_right(self._first_rows, row) - 1
            taken[place] = self._packed[shard][row - self._first_rows[shard]]
        return taken

    def sample(self, count: int) -> Numbers:
        """Return the numbers of so many rows, or all, evenly spread and in order: (M, W)."""
        num_rows = self._first_rows[-1] + len(self._packed[-1]) if self._packed else 0
        rows: NDArray[np.int64] = np.linspace(0, num_rows - 1, min(count, num_rows)).round().astype(np.int64)
        return self.take(rows.tolist())


class RescoredSearch:
    """A search backend that orders what another one has found by margins in float64; see search_backend.py.

    Match and threshold of a pair may be large beside their difference, which float32 then gives few digits of.
    """

    def __init__(
        self,
        searched: SearchBackend,
        is_exact: bool,
        numbers: EmbeddedRows,
        rows: Mapping[str, int],
        threshold_width: int,
    ) -> None:
        """Take the numbers of the items from these rows, by id."""
        self._searched = searched
        self._is_exact = is_exact
        self._numbers = numbers
        self._rows = rows
        self._threshold_width = threshold_width

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self._searched)

    def add(self, item_ids: Sequence[str], packed: Numbers) -> None:
        """Add items that are not there yet, with their numbers (M, W)."""
        self._searched.add(item_ids, packed)

    def remove(self, item_ids: Sequence[str]) -> None:
        """Remove items that are there."""
        self._searched.remove(item_ids)

    def search(self, packed: Numbers, k: int) -> list[list[Neighbour]]:
        """Return the k items with the highest margins for each of M queries (M, W), the highest first."""
        queries = query_numbers(packed, self._threshold_width).astype(np.float64)
        found = self._searched.search(packed, k + SPARE if self._is_exact else CANDIDATES * k)
        return [self._best(query, candidates, k) for query, candidates in zip(queries, found, strict=True)]

    def _best(self, query: NDArray[np.float64], candidates: list[Neighbour], k: int) -> list[Neighbour]:
        margins = self._numbers.take([self._rows[candidate.item_id] for candidate in candidates]) @ query
        order = np.argsort(-margins, kind="stable")[:k].tolist()
        return [Neighbour(candidates[place].item_id, float(margins[place])) for place in order]
