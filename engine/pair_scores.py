"""The scores of pairs, from the embeddings of their items.

Letters of shapes: B pairs.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from data.item_pair import PairTable
from engine.encode import EncodedItems
from models.embedding import pair_score, unpack
from options.errors import UserError

PAIRS_AT_ONCE = 1024
"""Bounds the memory of scoring, whatever the number of pairs; of this size the numbers stay in the cache."""


@dataclass(frozen=True, slots=True)
class PairScores:
    """The two dot products of each of B pairs: (B,) each."""

    match: NDArray[np.float64]
    threshold: NDArray[np.float64]

    @property
    def margin(self) -> NDArray[np.float64]:
        """The decision value of each pair: (B,)."""
        return self.match - self.threshold


def score_pairs(items: EncodedItems, pairs: PairTable, threshold_width: int) -> PairScores:
    """Return the scores of B pairs, computed in float64 from the float32 embeddings.

    Raises UserError where embeddings are not finite.
    """
    num_broken = int((~items.packed.isfinite().all(dim=1)).sum())
    if num_broken:
        raise UserError(
            f"the embeddings of {num_broken} of {len(items.packed)} items are not finite numbers: the weights have "
            "diverged, or overflow in half precision. In training try a lower train.optimizer.lr, a train.clip_norm "
            "or warm-up; in prediction another checkpoint, or train.precision=float32."
        )
    embedding = unpack(items.packed.double(), threshold_width)
    match, threshold = np.empty(len(pairs)), np.empty(len(pairs))
    for first in range(0, len(pairs), PAIRS_AT_ONCE):
        part = slice(first, first + PAIRS_AT_ONCE)
        source, target = torch.from_numpy(pairs.source[part]), torch.from_numpy(pairs.target[part])
        score = pair_score(embedding.rows(source), embedding.rows(target))
        match[part], threshold[part] = score.match.numpy(), score.threshold.numpy()
    return PairScores(match, threshold)
