"""Decisions on held-out pairs, their figures over seeds with intervals, and tables of these.

Letters of shapes: B pairs, S seeds, R replicates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from metrics.bootstrap import CONFIDENCE, Resampling, percentile_interval
from metrics.threshold import highest_f1, sort_pairs
from options.table import aligned_rows

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
    same: NDArray[np.bool_]
    """(B,) the labels"""
    seconds: float
    """Of training, a fold."""

    @classmethod
    def of_seeds(cls, name: str, seeds: Sequence[HeldOut], same: NDArray[np.bool_], seconds: float) -> Self:
        """Return what a system decides on its held-out pairs in each seed."""
        predicted = np.stack([seed.predicted(same) for seed in seeds])
        return cls(name, predicted, np.stack([seed.weights(same) for seed in seeds]), same, seconds)

    def f1_by_seed(self, multiplicity: int | NDArray[np.int64] = 1) -> NDArray[np.float64]:
        """Return the F1 of each seed, each pair counted as often as `multiplicity` (B,) says: (S,)."""
        weights = self.weights * multiplicity
        hits = (weights * (self.predicted & self.same)).sum(axis=1)
        found = (weights * self.predicted).sum(axis=1) + (weights * self.same).sum(axis=1)
        f1: NDArray[np.float64] = 2 * hits / np.maximum(found, 1)
        return f1

    def mean_f1_replicates(self, resampling: Resampling) -> NDArray[np.float64]:
        """Return the mean F1 of the seeds in each replicate, which draws clusters of pairs: (R,).

        Systems of the same pairs and resampling are drawn alike, so differences of their replicates are paired.
        """
        return np.array([self.f1_by_seed(draw[resampling.clusters]).mean() for draw in resampling.draws()])

    def right_share(self, rows: NDArray[np.bool_]) -> float:
        """Return the share of right decisions on some pairs, of the seeds together."""
        counted = self.weights[:, rows] > 0
        return float((self.predicted[:, rows] == self.same[rows])[counted].mean()) if counted.any() else float("nan")


def table_lines(systems: Sequence[Decided], resampling: Resampling) -> list[str]:
    """Return the F1 of each system, the mean over seeds, and the difference to the first one's, with intervals."""
    first = systems[0]
    reference = first.mean_f1_replicates(resampling)
    rows = [["system", "F1", "interval", "seeds from", "to", "difference", "interval", "seconds a fold"]]
    for system in systems:
        f1, replicates = system.f1_by_seed(), system.mean_f1_replicates(resampling)
        difference = ["", ""]
        if system is not first:
            change = f1.mean() - first.f1_by_seed().mean()
            difference = [f"{change:+.4f}", percentile_interval(replicates - reference).text("+.4f")]
        ends = percentile_interval(replicates).text(".4f")
        figures = [f"{f1.mean():.4f}", ends, f"{f1.min():.4f}", f"{f1.max():.4f}"]
        rows.append([system.name, *figures, *difference, f"{system.seconds:.0f}"])
    left_out = (first.weights == 0).mean()
    return [
        f"{len(first.same):,} pairs in {resampling.num_clusters:,} clusters, {len(first.weights)} seed(s); "
        f"{left_out:.1%} of them have items of two folds and are left out, the others of their label count for them",
        f"thresholds are those of the highest F1 on the other folds' pairs; {CONFIDENCE:.0%} intervals of "
        f"{resampling.num_replicates:,} draws; differences are those to the first system",
        *aligned_rows(rows, ruled=True).splitlines(),
    ]


def kind_lines(systems: Sequence[Decided], kinds: Sequence[str]) -> list[str]:
    """Return the share of right decisions of each system by kind of pair."""
    of_pair = np.array(kinds)
    rows = [["right decisions by kind of pair", "pairs", *(system.name for system in systems)]]
    for kind in sorted(set(kinds)):
        chosen = of_pair == kind
        rows.append([kind, f"{chosen.sum():,}", *(f"{system.right_share(chosen):.3f}" for system in systems)])
    return aligned_rows(rows, ruled=True).splitlines()
