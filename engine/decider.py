"""The second stage: boosted trees that decide pairs by the model's margin and what their listings have in common.

The trees are grown on the training pairs from evidence for which no label is needed. What they say and the margin,
which is worth little on pairs that the model was trained on, are put together by a logistic regression on the
validation pairs (stacked generalisation: Wolpert, Neural Networks 5(2), 1992). Letters of shapes: B pairs, F kinds of
evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.item_pair import PairTable
from data.item_tensors import ItemTensors
from data.loading import Split
from data.pair_features import PairFeatures
from engine.boosted_trees import BoostedTrees
from engine.decision_rule import ThresholdChoice
from metrics.clusters import pair_clusters
from metrics.threshold import best_f1_threshold
from metrics.verification import verification_metrics
from models.feature_blocks import FeatureBlocks
from models.item_encoder import ItemEncoder

INVERSE_REGULARISATION = 1.0
"""Of the logistic regression, on parts of variance 1 (scikit-learn's C)."""
NUM_FOLDS = 5
MISSING = -1.0
"""In the place of evidence that a pair does not have."""


@dataclass(frozen=True, slots=True)
class Blend:
    """Puts the trees' log-odds and the model's margin together."""

    intercept: float
    of_trees: float
    of_margin: float

    def log_odds(self, by_trees: NDArray[np.float64], margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of B pairs, (B,) of both."""
        return self.intercept + self.of_trees * by_trees + self.of_margin * margins

    @classmethod
    def fit(cls, by_trees: NDArray[np.float64], margins: NDArray[np.float64], same: NDArray[np.bool_]) -> Blend:
        """Fit to labelled pairs (B,); neither part ever counts against a pair."""
        from sklearn.linear_model import LogisticRegression  # half a second, which prediction need not wait for

        parts = np.column_stack([by_trees, margins])
        mean, deviation = parts.mean(axis=0), parts.std(axis=0)
        deviation[deviation == 0] = 1.0
        standard, used = (parts - mean) / deviation, [0, 1]
        model = LogisticRegression(C=INVERSE_REGULARISATION).fit(standard, same)
        if (model.coef_[0] < 0).any():
            used = [int(model.coef_[0].argmax())]
            model.fit(standard[:, used], same)
        factors = np.zeros(2)
        factors[used] = np.maximum(model.coef_[0], 0.0) / deviation[used]
        return cls(float(model.intercept_[0] - factors @ mean), float(factors[0]), float(factors[1]))


@dataclass(frozen=True, slots=True)
class Decider:
    """Tells of pairs how likely they are the same product."""

    features: PairFeatures
    blocks: FeatureBlocks | None
    """Of encoders that are frozen as a whole, which did not learn from the labels of the training pairs."""
    trees: BoostedTrees
    blend: Blend
    calibrated: float
    """Log-odds above which F1 on the validation pairs is highest."""
    estimated_f1: float | None
    """Of the validation pairs, each decided by what was fitted without its cluster; None of too few clusters."""

    def threshold(self, choice: ThresholdChoice) -> float:
        """Return the log-odds above which `predict.threshold` takes a pair for the same product."""
        if not isinstance(choice, str):
            return choice
        return self.calibrated if choice == "calibrated" else 0.0

    def log_odds(self, items: ItemTensors, pairs: PairTable, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of B pairs of the items, whose margins are (B,): (B,).

        Items have to bring the features of frozen encoders where the decider has blocks of them.
        """
        found = evidence(self.features, self.blocks, items, pairs)
        return self.blend.log_odds(self.trees.log_odds(_matrix(found)), margins)


def evidence(
    features: PairFeatures, blocks: FeatureBlocks | None, items: ItemTensors, pairs: PairTable
) -> Mapping[str, NDArray[np.float64]]:
    """Return what the trees decide B pairs of items by, by name: (B,) each, NaN where a pair does not have it."""
    found = features.measure(list(items.catalog), pairs.source, pairs.target)
    if blocks is not None:
        assert items.known is not None, "with_features gives them"
        found |= blocks.cosines(items.known, pairs.source, pairs.target)
    return found


def fit_decider(encoder: ItemEncoder, train: Split, val: Split, val_margins: NDArray[np.float64], seed: int) -> Decider:
    """Fit a decider to both labelled splits, and to the margins (B,) of the validation pairs.

    Their items bring the features of the encoders that are frozen as a whole.
    """
    assert train.pairs.same is not None
    assert val.pairs.same is not None
    features = PairFeatures.of(train.catalog)
    blocks = FeatureBlocks.of(encoder, train.items.known) if train.items.known is not None else None
    found = evidence(features, blocks, train.items, train.pairs)
    trees = BoostedTrees.fit(_matrix(found), train.pairs.same, seed)
    by_trees = trees.log_odds(_matrix(evidence(features, blocks, val.items, val.pairs)))
    same, clusters = val.pairs.same, pair_clusters(val.pairs.source, val.pairs.target)
    blend = Blend.fit(by_trees, val_margins, same)
    return Decider(
        features,
        blocks,
        trees,
        blend,
        calibrated=best_f1_threshold(blend.log_odds(by_trees, val_margins), same).threshold,
        estimated_f1=_estimated_f1(by_trees, val_margins, same, clusters, seed),
    )


def _estimated_f1(
    by_trees: NDArray[np.float64],
    margins: NDArray[np.float64],
    same: NDArray[np.bool_],
    clusters: NDArray[np.int64],
    seed: int,
) -> float | None:
    """Return F1 of B pairs, each decided by what is fitted to the folds that its cluster is not in."""
    names, cluster = np.unique(clusters, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(names))[cluster] % NUM_FOLDS
    excess = np.zeros(len(same))
    for number in range(min(NUM_FOLDS, len(names))):
        own, rest = fold == number, fold != number
        if not (same[rest].any() and (~same[rest]).any()):
            return None
        blend = Blend.fit(by_trees[rest], margins[rest], same[rest])
        threshold = best_f1_threshold(blend.log_odds(by_trees[rest], margins[rest]), same[rest]).threshold
        excess[own] = blend.log_odds(by_trees[own], margins[own]) - threshold
    return verification_metrics(excess, same, 0.0).f1


def _matrix(found: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float32]:
    """Return evidence (B,) each as the trees take it: (B, F)."""
    return np.nan_to_num(np.column_stack(list(found.values())), nan=MISSING).astype(np.float32)
