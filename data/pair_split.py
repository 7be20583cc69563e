"""Hold pairs out for validation so that no item of theirs is seen in training.

Letters of shapes: B pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.item_pair import connected_components

# A component with more than this share of the pairs cannot be held out without emptying the training part.
_GIANT_SHARE = 0.5
# Categories of which fewer pairs than this would be held out are balanced together, not each by itself.
_LEAST_HELD_OUT = 4.0


@dataclass(frozen=True, slots=True)
class PairSplit:
    """Which pairs train, which validate, and which are dropped so that the two share no item."""

    train: NDArray[np.bool_]
    """(B,)"""
    val: NDArray[np.bool_]
    """(B,)"""
    num_components: int
    largest_component: int
    """Pairs of the largest connected component."""

    @property
    def has_giant(self) -> bool:
        """Tell whether one component holds most pairs, so that whole components cannot be balanced."""
        return self.largest_component > _GIANT_SHARE * len(self.train)


def split_by_components(
    pairs: NDArray[np.int64],
    category: NDArray[np.int64],
    same: NDArray[np.bool_],
    num_items: int,
    *,
    ratio: float = 5.6,
    seed: int = 0,
) -> PairSplit:
    """Hold out whole connected components of the pair graph, about one pair in ratio + 1.

    All pairs connect, positive and negative. In a seeded order each component is
    held out if that brings its strata (category and label) closer to their share; what is
    then still missing is filled regardless of strata. So sizes and label ratios follow the whole as
    closely as whole components allow.

    Args:
        pairs: (B, 2) item numbers.
        category: (B,) category number of each pair, 0 or more.
        same: (B,) label of each pair.
        num_items: items are numbered 0 .. num_items-1.
        ratio: training pairs per validation pair.
        seed: of the order of the components.
    """
    component = _component_of_pairs(pairs, num_items)
    sizes = np.bincount(component)
    order = np.random.default_rng(seed).permutation(len(sizes))
    rows = np.argsort(component, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])

    held_out_share = 1.0 / (ratio + 1.0)
    strata = _strata(category, same, held_out_share)
    wanted = np.bincount(strata) * held_out_share
    missing = len(pairs) * held_out_share
    in_val = np.zeros(len(sizes), dtype=np.bool_)
    for number in order:
        size = int(sizes[number])
        found, counts = np.unique(strata[rows[starts[number] : starts[number + 1]]], return_counts=True)
        # What the component takes off the squared shortfall of its strata; negative where it overshoots.
        gain = float((counts * (2.0 * wanted[found] - counts)).sum())
        if gain > 0 and size <= 2.0 * missing:
            in_val[number] = True
            wanted[found] -= counts
            missing -= size
    for number in order:
        if not in_val[number] and sizes[number] <= missing:
            in_val[number] = True
            missing -= sizes[number]
    val = in_val[component]
    return PairSplit(~val, val, len(sizes), int(sizes.max(initial=0)))


def _strata(category: NDArray[np.int64], same: NDArray[np.bool_], held_out_share: float) -> NDArray[np.int64]:
    """Number the strata category x label; categories too rare to be shared out count as one."""
    rare = np.bincount(category)[category] * held_out_share < _LEAST_HELD_OUT
    return np.where(rare, 0, category + 1) * 2 + same


def split_dropping_seen(pairs: NDArray[np.int64], num_items: int, *, ratio: float = 5.6, seed: int = 0) -> PairSplit:
    """Split pairs at random, then drop the validation pairs that have an item of the training part.

    This is how the split of the published results was made (arXiv 2208.11064).
    """
    component = _component_of_pairs(pairs, num_items)
    num_val = round(len(pairs) / (ratio + 1.0))
    drawn = np.zeros(len(pairs), dtype=np.bool_)
    drawn[np.random.default_rng(seed).permutation(len(pairs))[:num_val]] = True
    seen = np.zeros(num_items, dtype=np.bool_)
    seen[pairs[~drawn].ravel()] = True
    val = drawn & ~seen[pairs].any(axis=1)
    return PairSplit(~drawn, val, int(component.max(initial=-1)) + 1, int(np.bincount(component).max(initial=0)))


def _component_of_pairs(pairs: NDArray[np.int64], num_items: int) -> NDArray[np.int64]:
    """Number the components that have pairs from 0 and return each pair's: (B,)."""
    labels = connected_components(num_items, pairs)[pairs[:, 0]]
    component: NDArray[np.int64] = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return component
