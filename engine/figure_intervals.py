"""Intervals of the figures of decisions on the pairs of a split."""

import numpy as np
from numpy.typing import NDArray

from data.item_pair import PairTable
from metrics.bootstrap import FigureIntervals, Resampling, figure_intervals
from metrics.clusters import pair_clusters


def decision_intervals(pairs: PairTable, decided: NDArray[np.bool_]) -> FigureIntervals | None:
    """Return the intervals of the figures of decisions (B,) on B labelled pairs, or None where these are one cluster.

    The draws are always the same.
    """
    assert pairs.same is not None
    clusters = pair_clusters(pairs.source, pairs.target)
    return figure_intervals(decided, pairs.same, Resampling(clusters)) if clusters.any() else None
