"""How alike two items are to frozen encoders: a cosine for each block of their features.

Letters of shapes: N items, B pairs, F features, K blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from data.item_tensors import KnownFeatures
from models.item_encoder import ItemEncoder

BOUND = 6.0
"""Standard deviations beyond which a feature counts as so many."""
PAIRS_AT_ONCE = 8192
"""Bounds the memory."""


@dataclass(frozen=True, slots=True)
class FeatureBlocks:
    """The blocks of the features of encoders that are frozen as a whole, and what they are like on training items."""

    names: tuple[str, ...]
    """(K,) such as `image 1`"""
    widths: tuple[int, ...]
    """(K,) which add up to F"""
    mean: NDArray[np.float32]
    """(F,)"""
    deviation: NDArray[np.float32]
    """(F,) no zeros"""

    @classmethod
    def of(cls, encoder: ItemEncoder, known: KnownFeatures) -> FeatureBlocks:
        """Take the statistics of the known features of the training items."""
        blocks = [
            (f"{group.name} {number}", width)
            for each in (encoder.match.text_encoder, encoder.match.image_encoder)
            if each is not None and each.is_frozen
            for group in each.groups
            for number, width in enumerate(group.widths, 1)
        ]
        features = _joined(known)
        deviation = features.std(dim=0, correction=0)
        deviation[deviation == 0] = 1.0  # of features that never vary, which are 0 then
        names, widths = zip(*blocks, strict=True)
        return cls(names, widths, features.mean(dim=0).numpy(), deviation.numpy())

    def cosines(
        self, known: KnownFeatures, source: NDArray[np.int64], target: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        """Return the cosine of each block of B pairs by its name: (B,) each, NaN where a picture is blank."""
        rows = [torch.from_numpy(side) for side in (source, target)]
        is_blank = (known.blank_image[rows[0]] | known.blank_image[rows[1]]).numpy()
        found = {}
        for name, block in self._directions(_joined(known)):
            parts = zip(*(torch.split(side, PAIRS_AT_ONCE) for side in rows), strict=True)
            cosine = torch.cat([(block[a] * block[b]).sum(dim=1) for a, b in parts]).double().numpy()
            found[f"{name}: cosine"] = cosine if name.startswith("text") else np.where(is_blank, np.nan, cosine)
        return found

    def _directions(self, features: Tensor) -> Iterator[tuple[str, Tensor]]:
        standard = ((features - torch.from_numpy(self.mean)) / torch.from_numpy(self.deviation)).clamp(-BOUND, BOUND)
        for name, block in zip(self.names, torch.split(standard, list(self.widths), dim=1), strict=True):
            yield name, functional.normalize(block, dim=1)


def _joined(known: KnownFeatures) -> Tensor:
    return torch.cat([part for part in (known.text, known.image) if part is not None], dim=1)
