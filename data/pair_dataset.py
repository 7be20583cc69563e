"""Training batches of pairs, by the numbers of their pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from data.item_pair import PairTable, connected_components
from data.item_tensors import ItemTensors
from data.pair_batch import PairBatch


@dataclass(frozen=True)
class PairDataset(Dataset[PairBatch]):
    """Maps the numbers of B pairs to their batch."""

    pairs: PairTable
    items: ItemTensors
    group: NDArray[np.int64]
    """(number of items,) the known product of each item"""

    def __getitem__(self, numbers: Sequence[int]) -> PairBatch:
        """Return the batch of the pairs of these numbers, each distinct item once, by the length of its text."""
        assert self.pairs.same is not None
        index = np.asarray(numbers)
        ends = np.concatenate([self.pairs.source[index], self.pairs.target[index]])
        rows, places = np.unique(ends, return_inverse=True)
        order = np.argsort(self.items.read_lengths(rows.tolist()), kind="stable")
        rows, places = rows[order], np.argsort(order)[places]
        source, target = torch.from_numpy(places.reshape(2, -1))
        return PairBatch(
            items=self.items.batch(rows.tolist()),
            source=source,
            target=target,
            same=torch.from_numpy(self.pairs.same[index]),
            group=torch.from_numpy(self.group[rows]),
        )


def product_groups(pairs: PairTable, listing: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each item's group: the connected components of the pairs that are the same product.

    Items of one number in `listing` (N,), as data.split_overlap.listing_rows gives them, are one product as well.
    """
    assert pairs.same is not None
    same = np.stack([pairs.source, pairs.target], axis=1)[pairs.same]
    return connected_components(len(listing), listing[same])[listing]
