"""From margins and labels to figures."""

from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, AliasGenerator, ConfigDict

from data.item_pair import PairTable
from metrics.bootstrap import FigureIntervals, Resampling, figure_intervals
from metrics.clusters import pair_clusters
from metrics.ranking import ranking_metrics
from metrics.threshold import best_f1_threshold
from metrics.verification import verification_metrics

MOST_PAIRS = 100_000
"""Of an evaluation whose F1 gets an interval, which takes 0.3 seconds for as many; of more, F1 hardly varies."""
AT_THRESHOLD = ("f1", "precision", "recall", "accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures on labelled pairs, at a decision threshold, at the best one and at none.

    Those at the threshold of the highest F1 on these very pairs are called best_possible_: they flatter.
    """

    # Checkpoints of earlier versions say calibrated_ for it.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=AliasGenerator(
            validation_alias=lambda name: AliasChoices(name, name.replace("best_possible", "calibrated"))
        )
    )

    f1: float
    precision: float
    recall: float
    accuracy: float
    threshold: float
    """Decision threshold of the figures above."""
    best_possible_f1: float
    best_possible_f1_low: float | None = None
    """Lower end of the interval of F1; None where it was not looked for, or the pairs are one cluster."""
    best_possible_f1_high: float | None = None
    """Upper end, likewise."""
    best_possible_precision: float
    best_possible_recall: float
    best_possible_threshold: float
    """Threshold of the highest F1 on these pairs."""
    average_precision: float | None = None
    """This and what follows rank the pairs, whatever the threshold; None of one label, or by earlier versions."""
    roc_auc: float | None = None
    recall_at_precision_90: float | None = None
    recall_at_precision_95: float | None = None
    num_pairs: int
    num_positives: int

    def as_dict(self, is_fitted: bool = False) -> dict[str, float]:
        """Return the figures by name, those that there are.

        Where the threshold was chosen on these very pairs, those at it may not be told.
        """
        told = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: value for name, value in told.items() if not (is_fitted and name in AT_THRESHOLD)}


def evaluation(
    margins: NDArray[np.float64],
    same: NDArray[np.bool_],
    threshold: float,
    thresholds: NDArray[np.float64] | None = None,
) -> Evaluation:
    """Compute the figures of B margins at a threshold, or where pairs have their own, at `thresholds` (B,)."""
    at_threshold = verification_metrics(margins, same, threshold if thresholds is None else thresholds)
    best = best_f1_threshold(margins, same)
    ranking = ranking_metrics(margins, same)
    return Evaluation(
        f1=at_threshold.f1,
        precision=at_threshold.precision,
        recall=at_threshold.recall,
        accuracy=at_threshold.accuracy,
        threshold=threshold,
        best_possible_f1=best.f1,
        best_possible_precision=best.precision,
        best_possible_recall=best.recall,
        best_possible_threshold=best.threshold,
        num_pairs=at_threshold.num_pairs,
        num_positives=at_threshold.num_positives,
        **(asdict(ranking) if ranking is not None else {}),
    )


def with_f1_interval(figures: Evaluation, margins: NDArray[np.float64], pairs: PairTable) -> Evaluation:
    """Return the figures of B labelled pairs with the interval of the best possible F1.

    It is a function of the margins (B,) and the pairs alone. More than MOST_PAIRS are left without.
    """
    if len(pairs) > MOST_PAIRS:
        return figures
    found = decision_intervals(pairs, margins > figures.best_possible_threshold)
    if found is None:
        return figures
    return replace(figures, best_possible_f1_low=found.f1.low, best_possible_f1_high=found.f1.high)


def decision_intervals(pairs: PairTable, decided: NDArray[np.bool_]) -> FigureIntervals | None:
    """Return the intervals of the figures of decisions (B,) on B labelled pairs, or None where these are one cluster.

    The draws are always the same.
    """
    assert pairs.same is not None
    clusters = pair_clusters(pairs.source, pairs.target)
    return figure_intervals(decided, pairs.same, Resampling(clusters)) if clusters.any() else None
