"""What finds the items with the highest margins, whichever engine it is made of.

Letters of shapes: M queries, W numbers an item.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.embedding import as_query

MOST_NEIGHBOURS = 16_384
"""Of a query, as Milvus allows."""
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

    @property
    def width(self) -> int:
        """How many numbers an item has."""

    def __len__(self) -> int:
        """Return how many items there are."""

    def add(self, item_ids: Sequence[str], packed: Numbers) -> None:
        """Add items that are not there yet, with their numbers (M, W)."""

    def remove(self, item_ids: Sequence[str]) -> None:
        """Remove items that are there."""
