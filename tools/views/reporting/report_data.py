"""What a report is made of: a run, the course of its training, and its decisions on labelled pairs.

Letters of shapes: B pairs, N items.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.image_store import ImageSource
from data.item_catalog import ItemCatalog
from engine.pair_scores import ValidationScores
from metrics.ranking import RankingMetrics, ranking_metrics


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run folder says of how the model came about."""

    name: str
    checkpoint: str
    options: str
    """As YAML."""
    environment: Mapping[str, object]
    commands: str
    """One a line."""
    course: Mapping[str, NDArray[np.float64]]
    """Steps and values (n, 2) of every figure by its name, such as loss, learning_rate, best_possible_f1."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """A run and its decisions on the labelled pairs of a split."""

    run: RunRecord
    split: str
    catalog: ItemCatalog
    """The N items."""
    images: ImageSource | None
    """None where there are no pictures to show."""
    pairs: ValidationScores
    """The labelled pairs of the split, be it that of validation or another, with their scores."""
    calibrated_threshold: float
    """Chosen on the validation pairs; all decisions of the report are those at it."""
    own_threshold: float
    """The loss's own."""
    kinds: tuple[str, ...] | None = None
    """How each pair was made, where that is known."""
    is_fitted: bool = False
    """Whether the calibrated threshold was chosen on these very pairs."""
    num_categories_left_out: int = 0
    """Categories with a threshold of their own, which the report does not apply."""
    intervals: Mapping[str, tuple[float, float]] | None = None
    """Ends of the confidence intervals of f1, precision and recall at the calibrated threshold."""

    @property
    def figures_of(self) -> str:
        """What the names of figures begin with: those of the pairs on which the threshold was chosen flatter."""
        return "best possible " if self.is_fitted else ""

    @property
    def decided_same(self) -> NDArray[np.bool_]:
        """The decision on each pair: (B,)."""
        decided: NDArray[np.bool_] = self.pairs.margin > self.calibrated_threshold
        return decided

    @property
    def has_thresholds(self) -> bool:
        """Whether pairs have thresholds of their own: without that branch all are 0."""
        return bool(self.pairs.threshold.any())

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """Whether each decision agrees with the label: (B,)."""
        is_right: NDArray[np.bool_] = self.decided_same == self.pairs.same
        return is_right

    @property
    def ranking(self) -> RankingMetrics | None:
        """The figures that need no threshold; None where all pairs have one label."""
        return ranking_metrics(self.pairs.margin, self.pairs.same)
