"""How far groups of items agree with the truth, by pairs.

Letters of shapes: N items.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class GroupAgreement(NamedTuple):
    """Figures over all pairs of N items: a pair is positive where both are in one group."""

    f1: float
    precision: float
    recall: float
    num_true_pairs: int
    """Pairs that are one product."""
    num_found_pairs: int
    """Pairs that are in one group."""


def group_agreement(found: NDArray[np.int64], truth: NDArray[np.int64]) -> GroupAgreement:
    """Compare the groups that were found, numbers (N,), with the true ones (N,); figures without pairs are 0."""
    both = np.unique(np.stack([found, truth]), axis=1, return_counts=True)[1]
    num_right = _num_pairs(both)
    num_found = _num_pairs(np.unique(found, return_counts=True)[1])
    num_true = _num_pairs(np.unique(truth, return_counts=True)[1])
    return GroupAgreement(
        f1=2 * num_right / max(1, num_found + num_true),
        precision=num_right / max(1, num_found),
        recall=num_right / max(1, num_true),
        num_true_pairs=num_true,
        num_found_pairs=num_found,
    )


def _num_pairs(sizes: NDArray[np.intp]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
