"""Intervals by a bootstrap that draws clusters of pairs.

Pairs that share an item do not vary independently, so whole clusters (`metrics.clusters.pair_clusters`) are drawn with
replacement, as many as there are (Field and Welsh 2007, "Bootstrapping clustered data", JRSS B 69(3)), and a pair
counts as often as its cluster was drawn. Intervals are percentile intervals (Efron and Tibshirani 1993, chapter 13).
The runs of a system, trained with several seeds, are drawn as well, one less than there are: the mean of so many varies
as the mean of the runs does (McCarthy and Snowden 1985, "The Bootstrap and Finite Population Sampling"). Drawing both
ways counts chance that is of one pair in one run more than once, so these intervals are rather too wide (Owen 2007,
"The pigeonhole bootstrap", Annals of Applied Statistics 1(2)).

Letters of shapes: B pairs, K clusters, R replicates, S runs of a system.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metrics.threshold import Criterion, sort_pairs

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Both ends of an interval."""

    low: float
    high: float

    def text(self, form: str) -> str:
        """Return both ends for people, in a format such as ".4f"."""
        return f"{self.low:{form}} to {self.high:{form}}"


class FigureIntervals(NamedTuple):
    """An interval of each figure, or of its difference."""

    f1: Interval
    precision: Interval
    recall: Interval


@dataclass(frozen=True, slots=True)
class Resampling:
    """How pairs are drawn; of the same seed and clusters all draws are the same."""

    clusters: NDArray[np.int64]
    """(B,) numbers from 0, of at least two clusters"""
    num_replicates: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse pairs that are one cluster, which have no spread."""
        if self.num_clusters < 2:
            raise ValueError("All pairs are one cluster, which shows no spread; intervals need pairs of more items.")

    @property
    def num_clusters(self) -> int:
        """The number K of clusters."""
        return int(self.clusters.max(initial=-1)) + 1

    def draws(self) -> Iterator[NDArray[np.int64]]:
        """Yield, for each of R replicates, how often each cluster is drawn: (K,)."""
        generator = np.random.default_rng(self.seed)
        for _ in range(self.num_replicates):
            drawn = generator.integers(0, self.num_clusters, self.num_clusters)
            yield np.bincount(drawn, minlength=self.num_clusters)

    def run_weights(self, num_runs: int, system: int) -> NDArray[np.float64]:
        """Return what share of the mean each run has in each replicate: (R, S); each `system` has draws of its own.

        A single run is all of it, for one run does not show how others would vary.
        """
        if num_runs == 1:
            return np.ones((self.num_replicates, 1))
        generator = np.random.default_rng((self.seed, system))
        drawn = generator.integers(0, num_runs, (self.num_replicates, num_runs - 1))
        shares: NDArray[np.float64] = (drawn[:, :, None] == np.arange(num_runs)).mean(axis=1)
        return shares


def figure_intervals(predicted: NDArray[np.bool_], same: NDArray[np.bool_], resampling: Resampling) -> FigureIntervals:
    """Return the intervals of the figures of decisions (B,), or of the means over runs (S, B), against labels (B,)."""
    return _intervals(*_replicates(resampling, same, predicted))


def difference_intervals(
    predicted: NDArray[np.bool_], reference: NDArray[np.bool_], same: NDArray[np.bool_], resampling: Resampling
) -> FigureIntervals:
    """Return the intervals of the figures of `predicted` minus those of `reference`, (B,) or (S, B) of the same pairs.

    Both are counted on the same draws of pairs, so that what is hard for both cancels out, and on draws of their own of
    runs, since these are independent.
    """
    figures, references = _replicates(resampling, same, predicted, reference)
    return _intervals(figures - references)


def threshold_interval(
    margins: NDArray[np.float64], same: NDArray[np.bool_], criterion: Criterion, resampling: Resampling
) -> Interval:
    """Return the interval of the threshold that a criterion chooses, chosen anew in each replicate.

    Where a replicate has no threshold that meets the criterion, it counts as one that takes no pair; so does one
    without a pair labelled the same. Raises ValueError on what `sort_pairs` refuses.
    """
    pairs = sort_pairs(margins, same)
    thresholds = []
    for draw in resampling.draws():
        cuts = pairs.cuts(draw[resampling.clusters])
        cut = criterion.cut(cuts) if cuts.num_positives else None
        thresholds.append(cuts.threshold(cut or 0))
    return percentile_interval(np.array(thresholds))


def percentile_interval(replicates: NDArray[np.float64]) -> Interval:
    """Return the interval of replicates (R,)."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _replicates(
    resampling: Resampling, same: NDArray[np.bool_], *systems: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    """Return F1, precision and recall of each system in each replicate: (R, 3) each, of (B,) or over runs (S, B)."""
    runs = [np.atleast_2d(system) for system in systems]
    columns = [column for run in np.concatenate(runs) for column in (run & same, run, same)]
    of_clusters = [np.bincount(resampling.clusters, column, resampling.num_clusters) for column in columns]
    counts = np.stack(of_clusters, axis=1)
    sums = np.stack([draw @ counts for draw in resampling.draws()])
    figures = _figures(sums.reshape(len(sums), -1, 3))
    ends = np.cumsum([len(each) for each in runs])
    parts = enumerate(np.split(figures, ends[:-1], axis=1))
    return [(resampling.run_weights(part.shape[1], number)[:, :, None] * part).sum(axis=1) for number, part in parts]


def _figures(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1, precision and recall of hits, predicted and positive pairs; both (R, S, 3), 0 where undefined."""
    hits, predicted, positives = np.moveaxis(sums, -1, 0)
    parts = np.stack([2 * hits, hits, hits], axis=-1)
    wholes = np.stack([predicted + positives, predicted, positives], axis=-1)
    figures: NDArray[np.float64] = np.divide(parts, np.maximum(wholes, 1), dtype=np.float64)
    return figures


def _intervals(figures: NDArray[np.float64]) -> FigureIntervals:
    return FigureIntervals(*(percentile_interval(column) for column in figures.T))
