"""Decisions on held-out pairs and their figures over seeds, with intervals.

Letters of shapes: B pairs, S seeds, R replicates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.bootstrap import CONFIDENCE, Interval, Resampling
from metrics.criterion import highest_f1
from metrics.cuts import sort_pairs

COUNTS_A_PAIR = 100
"""Weights of pairs are whole hundredths."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The margins of B pairs, each by a model that saw none of its items, in one seed."""

    margin: NDArray[np.float64]
    """(B,) not a number where a pair's items are of two folds, so that it was left out"""
    fold: NDArray[np.int64]
    """(B,) -1 where it was left out"""

    def weights(self, same: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how much each pair counts, so that both labels keep their share though pairs are left out: (B,)."""
        kept = self.fold >= 0
        weights = np.zeros(len(same))
        for label in (False, True):
            rows = kept & (same == label)
            weights[rows] = COUNTS_A_PAIR * (same == label).sum() / max(rows.sum(), 1)
        return np.rint(weights).astype(np.int64)

    def predicted(self, same: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the decisions on B pairs, each fold's at the threshold of the highest F1 on the other folds' pairs."""
        weights = self.weights(same)
        predicted = np.zeros(len(same), np.bool_)
        for fold in range(int(self.fold.max()) + 1):
            inside, others = self.fold == fold, (self.fold >= 0) & (self.fold != fold)
            cuts = sort_pairs(self.margin[others], same[others]).cuts(weights[others])
            predicted[inside] = self.margin[inside] > cuts.threshold(highest_f1(cuts))
        return predicted


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions of a system on B pairs in S seeds."""

    name: str
    predicted: NDArray[np.bool_]
    """(S, B)"""
    weights: NDArray[np.int64]
    """(S, B)"""
    seconds: float
    """Of training, a fold."""


def decided(name: str, seeds: list[HeldOut], same: NDArray[np.bool_], seconds: float) -> Decided:
    """Return what a system decides on its held-out pairs in each seed."""
    return Decided(
        name=name,
        predicted=np.stack([seed.predicted(same) for seed in seeds]),
        weights=np.stack([seed.weights(same) for seed in seeds]),
        seconds=seconds,
    )


def f1_by_seed(system: Decided, same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the F1 of each seed: (S,)."""
    return _f1(system, same, np.ones(len(same), np.int64))


def mean_f1_replicates(system: Decided, same: NDArray[np.bool_], resampling: Resampling) -> NDArray[np.float64]:
    """Return the mean F1 of the seeds in each replicate, which draws clusters of pairs: (R,).

    Systems of the same pairs and resampling are drawn alike, so differences of their replicates are paired.
    """
    return np.array([_f1(system, same, draw[resampling.clusters]).mean() for draw in resampling.draws()])


def right_share(system: Decided, same: NDArray[np.bool_], rows: NDArray[np.bool_]) -> float:
    """Return the share of right decisions on some pairs, of the seeds together."""
    counted = system.weights[:, rows] > 0
    return float((system.predicted[:, rows] == same[rows])[counted].mean()) if counted.any() else float("nan")


def interval(replicates: NDArray[np.float64]) -> Interval:
    """Return the percentile interval of replicates (R,)."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _f1(system: Decided, same: NDArray[np.bool_], multiplicity: NDArray[np.int64]) -> NDArray[np.float64]:
    weights = system.weights * multiplicity
    hits = (weights * (system.predicted & same)).sum(axis=1)
    found = (weights * system.predicted).sum(axis=1) + (weights * same).sum(axis=1)
    f1: NDArray[np.float64] = 2 * hits / np.maximum(found, 1)
    return f1
