"""Batches of tensors.

Letters of shapes: B pairs, N items, L tokens, H,W pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

NO_FEATURES = torch.empty((0, 0))
"""In the place of features that are not known beforehand."""
NO_ATTRIBUTES = torch.empty((0, 0), dtype=torch.int64)
"""In the place of attributes where the model compares none."""


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

    def to(self, device: torch.device) -> ItemBatch:
        """Copy to a device, without waiting where the memory is pinned."""
        return ItemBatch(*(tensor.to(device, non_blocking=True) for tensor in self))

    def pin_memory(self) -> ItemBatch:
        """Copy to page-locked memory; the data loader calls this."""
        return ItemBatch(*(tensor.pin_memory() for tensor in self))


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
