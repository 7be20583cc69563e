"""Batches of tensors.

Letters of shapes: B pairs, N items, L tokens, R runs of texts, H,W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TOKENS_A_CALL = 64
"""What one more call of a text encoder costs, in tokens that it could read meanwhile."""
NO_FEATURES = torch.empty((0, 0))
"""In the place of features that are not known beforehand."""
NO_ATTRIBUTES = torch.empty((0, 0), dtype=torch.int64)
"""In the place of attributes where the model compares none."""
NO_RUNS = torch.empty((0, 2), dtype=torch.int64)
"""In the place of runs where texts are padded to the longest of all."""


class ItemBatch(NamedTuple):
    """Items as the encoders read them; a modality that the model does not use has extent 0.

    Where the features of a frozen encoder are known beforehand, they stand in the place of its pixels or tokens.
    """

    images: Tensor
    """(N, 3, H, W) float32, normalised"""
    token_ids: Tensor
    """(N, L) int64, padded to the longest text of the batch"""
    attention_mask: Tensor
    """(N, L) bool, true at tokens"""
    item: Tensor
    """(N,) int64, rows of the catalogue"""
    blank_image: Tensor
    """(N,) bool, true where an unreadable image was replaced"""
    text_features: Tensor = NO_FEATURES
    """(N, width of the text encoder) float32, or (0, 0) where they are not known"""
    image_features: Tensor = NO_FEATURES
    """(N, width of the image encoder) float32, or (0, 0) where they are not known"""
    attributes: Tensor = NO_ATTRIBUTES
    """(N, K) int64, the digests of the values of K attributes, -1 where an item does not state one; or (0, 0)"""
    text_runs: Tensor = NO_RUNS
    """(R, 2) int64, always on the CPU: the row after each run of texts of similar length, and its longest text"""

    def to(self, device: torch.device) -> ItemBatch:
        """Copy to a device, without waiting where the memory is pinned."""
        moved = ItemBatch(*(tensor.to(device, non_blocking=True) for tensor in self))
        # The runs decide what is launched on the device, so nobody is to wait for it to tell them.
        return moved._replace(text_runs=self.text_runs)

    def pin_memory(self) -> ItemBatch:
        """Copy to page-locked memory; the data loader calls this."""
        return ItemBatch(*(tensor.pin_memory() for tensor in self))

    def runs(self) -> Iterator[ItemBatch]:
        """Yield the items run by run, in their order, texts padded to the longest of the run alone."""
        if not len(self.text_runs):
            yield self
        first = 0
        for end, longest in self.text_runs.tolist():
            run = ItemBatch(*(tensor[first:end] for tensor in self))
            yield run._replace(
                token_ids=run.token_ids[:, :longest], attention_mask=run.attention_mask[:, :longest], text_runs=NO_RUNS
            )
            first = end


class PairBatch(NamedTuple):
    """Labelled pairs and the distinct items that they are made of."""

    items: ItemBatch
    source: Tensor
    """(B,) int64, rows of items"""
    target: Tensor
    """(B,) int64, rows of items"""
    same: Tensor
    """(B,) bool"""
    group: Tensor
    """(N,) int64, the known product of each item: items of different groups are different products"""

    def to(self, device: torch.device) -> PairBatch:
        """Copy to a device, without waiting where the memory is pinned."""
        return PairBatch(self.items.to(device), *(t.to(device, non_blocking=True) for t in self[1:]))

    def pin_memory(self) -> PairBatch:
        """Copy to page-locked memory; the data loader calls this."""
        return PairBatch(self.items.pin_memory(), *(t.pin_memory() for t in self[1:]))


def length_runs(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cut N texts into runs that cost least, their order kept: (R, 2), the row after each run and its longest text.

    A run costs TOKENS_A_CALL and its longest text times its number of texts. The best cut of all texts ends in a run
    that follows the best cut of those before it.
    """
    least = np.zeros(len(lengths) + 1, np.int64)
    run_start = np.zeros(len(lengths) + 1, np.int64)
    for end in range(1, len(lengths) + 1):
        longest_from = np.maximum.accumulate(lengths[:end][::-1])[::-1]
        costs = least[:end] + TOKENS_A_CALL + longest_from * np.arange(end, 0, -1)
        run_start[end] = costs.argmin()
        least[end] = costs[run_start[end]]
    runs = []
    end = len(lengths)
    while end:
        runs.append((end, lengths[run_start[end] : end].max()))
        end = int(run_start[end])
    return np.array(runs[::-1], np.int64).reshape(-1, 2)
