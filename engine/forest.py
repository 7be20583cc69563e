"""A forest of extremely randomised trees, kept as plain numbers.

Letters of shapes: B pairs, F features, T trees, M nodes of all trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

NO_CHILD = -1
FEWEST_A_LEAF = 2
"""Training pairs in a leaf."""
SHARE_TRIED = 0.3
"""Of the features, at each node."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees that each give the share of training pairs in a leaf that are the same product."""

    root: NDArray[np.int64]
    """(T,) first node of each tree"""
    feature: NDArray[np.int64]
    """(M,) which feature a node asks about"""
    limit: NDArray[np.float64]
    """(M,) up to which number of it the left child follows"""
    left: NDArray[np.int64]
    """(M,) nodes; NO_CHILD in leaves"""
    right: NDArray[np.int64]
    """(M,) likewise"""
    share: NDArray[np.float64]
    """(M,) of training pairs that are the same product"""

    @classmethod
    def fit(cls, features: NDArray[np.float32], same: NDArray[np.bool_], num_trees: int, seed: int) -> Self:
        """Grow trees (Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006).

        Features are (B, F) and labels (B,), with pairs of both labels.
        """
        from sklearn.ensemble import ExtraTreesClassifier  # half a second, which prediction need not wait for

        model = ExtraTreesClassifier(
            num_trees, min_samples_leaf=FEWEST_A_LEAF, max_features=SHARE_TRIED, random_state=seed, n_jobs=-1
        ).fit(features, same)
        trees = [estimator.tree_ for estimator in model.estimators_]
        root = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]

        def children(name: str) -> NDArray[np.int64]:
            of_trees = [np.asarray(getattr(tree, name), np.int64) for tree in trees]
            placed = zip(of_trees, root.tolist(), strict=True)
            return np.concatenate([np.where(nodes < 0, NO_CHILD, nodes + first) for nodes, first in placed])

        values = [tree.value[:, 0, :] for tree in trees]
        return cls(
            root=root.astype(np.int64),
            feature=np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int64),
            limit=np.concatenate([tree.threshold for tree in trees]),
            left=children("children_left"),
            right=children("children_right"),
            share=np.concatenate([value[:, 1] / value.sum(axis=1) for value in values]),
        )

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the mean share of the leaves that B pairs (B, F) fall into: (B,)."""
        node = np.repeat(self.root[None], len(features), axis=0)
        row, tree = np.nonzero(self.left[node] != NO_CHILD)
        while len(row):
            at = node[row, tree]
            goes_left = features[row, self.feature[at]] <= self.limit[at]
            at = np.where(goes_left, self.left[at], self.right[at])
            node[row, tree] = at
            inner = self.left[at] != NO_CHILD
            row, tree = row[inner], tree[inner]
        probability: NDArray[np.float64] = self.share[node].mean(axis=1)
        return probability

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Return the forest of its arrays; raises KeyError for one that is missing."""
        numbers = {name: np.asarray(arrays[name], np.int64) for name in ("root", "feature", "left", "right")}
        limit, share = (np.asarray(arrays[name], np.float64) for name in ("limit", "share"))
        return cls(limit=limit, share=share, **numbers)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return all numbers by name."""
        return asdict(self)
