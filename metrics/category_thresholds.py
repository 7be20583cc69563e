"""A threshold for each category, shrunk towards the one of all pairs, and whether that helps.

Letters of shapes: B pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metrics.threshold import Criterion, choose_threshold
from metrics.verification import verification_metrics

NO_CATEGORY = -1
SHRINKAGE = 200.0
NUM_FOLDS = 5


class CategoryThresholds(NamedTuple):
    """The threshold of all pairs and those of categories, by number."""

    threshold: float
    categories: dict[int, float]

    def of(self, categories: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the threshold of each of B pairs by its category: (B,)."""
        thresholds = np.full(len(categories), self.threshold)
        for category, threshold in self.categories.items():
            thresholds[categories == category] = threshold
        return thresholds


class CrossValidation(NamedTuple):
    """F1 of all pairs, each decided by thresholds that were chosen without its fold."""

    one_threshold: float
    by_category: float


def shrunk_thresholds(
    margins: NDArray[np.float64],
    same: NDArray[np.bool_],
    categories: NDArray[np.int64],
    criterion: Criterion,
    shrinkage: float = SHRINKAGE,
) -> CategoryThresholds | None:
    """Choose a threshold for each category that has pairs of both labels and can meet the criterion.

    t_c = t + n_c / (n_c + m) (s_c - t), where t is the threshold of all pairs, s_c that of category c alone, n_c its
    number of pairs and m the shrinkage: the weight of Micci-Barreca (2001), "A preprocessing scheme for
    high-cardinality categorical attributes", SIGKDD Explorations 3(1), for estimates of small groups (an m-estimate).

    `margins`, `same` and `categories` are (B,), category NO_CATEGORY has none of its own. Returns None where no
    threshold of all pairs meets the criterion. Raises ValueError on what `choose_threshold` refuses.
    """
    of_all = choose_threshold(margins, same, criterion)
    if of_all is None:
        return None
    chosen = {}
    for category in np.unique(categories[categories != NO_CATEGORY]).tolist():
        rows = categories == category
        num_pairs, num_same = int(rows.sum()), int(same[rows].sum())
        own = choose_threshold(margins[rows], same[rows], criterion) if 0 < num_same < num_pairs else None
        if own is not None:
            weight = num_pairs / (num_pairs + shrinkage)
            chosen[category] = of_all.threshold + weight * (own.threshold - of_all.threshold)
    return CategoryThresholds(of_all.threshold, chosen)


def cross_validate(
    margins: NDArray[np.float64],
    same: NDArray[np.bool_],
    categories: NDArray[np.int64],
    clusters: NDArray[np.int64],
    criterion: Criterion,
    *,
    shrinkage: float = SHRINKAGE,
    num_folds: int = NUM_FOLDS,
    seed: int = 0,
) -> CrossValidation:
    """Compare one threshold with those by category on pairs that they were not chosen on, whole clusters at a time.

    All lists are (B,). A fold without which no threshold meets the criterion has no pair taken for the same. Raises
    ValueError where there are fewer clusters than folds, or no fold can be left out without all pairs labelled the
    same.
    """
    num_clusters = int(clusters.max()) + 1
    if num_clusters < num_folds:
        raise ValueError(f"{num_clusters} clusters of pairs are too few for {num_folds} folds; give more pairs.")
    folds = np.random.default_rng(seed).permutation(num_clusters)[clusters] % num_folds
    one, own = np.full(len(margins), np.inf), np.full(len(margins), np.inf)
    for fold in range(num_folds):
        held_out = folds == fold
        rest = ~held_out
        chosen = shrunk_thresholds(margins[rest], same[rest], categories[rest], criterion, shrinkage)
        if chosen is not None:
            one[held_out] = chosen.threshold
            own[held_out] = chosen.of(categories[held_out])
    return CrossValidation(verification_metrics(margins, same, one).f1, verification_metrics(margins, same, own).f1)
