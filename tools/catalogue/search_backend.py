"""What finds the items with the highest margins, whichever engine it is made of, and margins from their own numbers.

Letters of shapes: M queries or rows, N items, W numbers an item.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


class Searcher(Protocol):
    """What finds items; all numbers are packed as stored, threshold half first, queries too."""

    def search(self, packed: Numbers, k: int) -> list[list[Neighbour]]:
        """Return the k items with the highest margins for each of M queries (M, W), the highest first.

        They are fewer where there are fewer items, or an approximate index has found no more.
        """


class SearchBackend(Searcher, Protocol):
    """Items by their ids, which can be changed."""

    def __len__(self) -> int:
        """Return how many items there are."""

    def add(self, item_ids: Sequence[str], packed: Numbers) -> None:
        """Add items that are not there yet, with their numbers (M, W)."""

    def remove(self, item_ids: Sequence[str]) -> None:
        """Remove items that are there."""


@dataclass(frozen=True, slots=True)
class RescoredSearch:
    """What another search has found, ordered by margins in float64 of the embeddings themselves.

    Match and threshold of a pair may be large beside their difference, which float32 then gives few digits of.
    """

    searched: Searcher
    is_exact: bool
    """Whether that one finds the best items for certain."""
    embeddings: EmbeddingFolder
    rows: Mapping[str, int]
    """Of the items in the embeddings, by id."""

    def search(self, packed: Numbers, k: int) -> list[list[Neighbour]]:
        """Return the k items with the highest margins for each of M queries (M, W), the highest first."""
        queries = query_numbers(packed, self.embeddings.record.threshold_width).astype(np.float64)
        found = self.searched.search(packed, k + SPARE if self.is_exact else CANDIDATES * k)
        return [self._best(query, candidates, k) for query, candidates in zip(queries, found, strict=True)]

    def _best(self, query: NDArray[np.float64], candidates: list[Neighbour], k: int) -> list[Neighbour]:
        margins = self.embeddings.take([self.rows[candidate.item_id] for candidate in candidates]) @ query
        order = np.argsort(-margins, kind="stable")[:k].tolist()
        return [Neighbour(candidates[place].item_id, float(margins[place])) for place in order]
