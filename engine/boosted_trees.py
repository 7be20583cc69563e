"""Gradient-boosted trees, kept as plain numbers.

Letters of shapes: B pairs, F features, T trees, M nodes of all trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

NUM_BAGS = 5
"""Boosted models whose log-odds are averaged: each node looks at some of the features, so that they differ."""
NUM_ROUNDS = 200
LEARNING_RATE = 0.05
SHARE_TRIED = 0.3
"""Of the features, at each node."""
PAIRS_AT_ONCE = 1024
"""Bounds the memory."""


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """Trees whose leaves add up to log-odds."""

    root: NDArray[np.int64]
    """(T,) first node of each tree"""
    feature: NDArray[np.int64]
    """(M,) which feature a node asks about"""
    limit: NDArray[np.float64]
    """(M,) up to which number of it the left child follows"""
    left: NDArray[np.int64]
    """(M,) nodes; a leaf is its own child"""
    right: NDArray[np.int64]
    """(M,) likewise"""
    value: NDArray[np.float64]
    """(M,) what a leaf adds to the log-odds"""
    prior: NDArray[np.float64]
    """(1,) log-odds to which they are added"""

    @classmethod
    def fit(cls, features: NDArray[np.float32], same: NDArray[np.bool_], seed: int) -> Self:
        """Grow trees (Friedman, "Greedy function approximation", Annals of Statistics 29(5), 2001), in several bags.

        Features are (B, F), without NaN, and labels (B,), with pairs of both labels.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier  # half a second, which prediction need not wait for

        nodes, priors = [], []
        for bag in range(NUM_BAGS):
            model = HistGradientBoostingClassifier(
                max_iter=NUM_ROUNDS,
                learning_rate=LEARNING_RATE,
                max_features=SHARE_TRIED,
                early_stopping=False,
                random_state=seed * NUM_BAGS + bag,
            ).fit(features, same)
            # The library has no public way to its trees; a test holds what is made of them against its own decisions.
            nodes += [tree.nodes for (tree,) in model._predictors]
            priors.append(float(model._baseline_prediction.item()))
        sizes = [len(tree) for tree in nodes]
        root = np.cumsum([0, *sizes])[:-1].astype(np.int64)
        first, every = np.repeat(root, sizes), np.concatenate(nodes)
        own, is_leaf = np.arange(len(every)), every["is_leaf"].astype(np.bool_)
        return cls(
            root=root,
            feature=np.where(is_leaf, 0, every["feature_idx"]).astype(np.int64),
            limit=np.where(is_leaf, 0.0, every["num_threshold"]),
            left=np.where(is_leaf, own, every["left"] + first).astype(np.int64),
            right=np.where(is_leaf, own, every["right"] + first).astype(np.int64),
            value=np.where(is_leaf, every["value"] / NUM_BAGS, 0.0),
            prior=np.array([np.mean(priors)]),
        )

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Return the trees of their arrays; raises KeyError for one that is missing."""
        numbers = {name: np.asarray(arrays[name], np.int64) for name in ("root", "feature", "left", "right")}
        limit, value, prior = (np.asarray(arrays[name], np.float64) for name in ("limit", "value", "prior"))
        return cls(limit=limit, value=value, prior=prior, **numbers)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return all numbers by name."""
        return asdict(self)

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of B pairs (B, F): (B,)."""
        parts = [self._log_odds(features[at : at + PAIRS_AT_ONCE]) for at in range(0, len(features), PAIRS_AT_ONCE)]
        return np.concatenate([np.empty(0), *parts])

    def _log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        node = np.repeat(self.root[None], len(features), axis=0)
        row, tree = np.nonzero(self.left[node] != node)
        while len(row):
            at = node[row, tree]
            below = np.where(features[row, self.feature[at]] <= self.limit[at], self.left[at], self.right[at])
            node[row, tree] = below
            goes_on = self.left[below] != below
            row, tree = row[goes_on], tree[goes_on]
        log_odds: NDArray[np.float64] = self.value[node].sum(axis=1) + self.prior
        return log_odds
