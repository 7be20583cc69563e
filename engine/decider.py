"""The second stage: a forest that decides pairs by the model's margin and what their listings have in common.

The forest is grown on the training pairs from features for which no label is needed. What it says and the margin, which
is worth little on pairs that the model was trained on, are put together by a logistic regression on the validation
pairs (stacked generalisation: Wolpert, Neural Networks 5(2), 1992). Letters of shapes: B pairs, F features.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from safetensors import safe_open
from safetensors.torch import save_file

from data.item_pair import PairTable
from data.item_tensors import ItemTensors
from data.loading import Split
from data.pair_features import PairFeatures, PairMeasures
from data.picture_colours import colour_histograms
from data.shared_terms import Rarity
from engine.checkpoint_folder import decider_path
from engine.checksums import recorded_checksum
from engine.decision_rule import ThresholdChoice
from engine.disk import whole_path
from engine.forest import Forest
from engine.pair_scores import VALIDATION
from metrics.clusters import pair_clusters
from metrics.threshold import best_f1_threshold
from metrics.verification import verification_metrics
from models.weights import read_safetensors
from options.errors import UserError

NUM_TREES = 400
FEWEST = 1 / (2 * NUM_TREES)
"""Added to the probabilities of both labels, since no number of trees makes a decision certain."""
REGULARISATION = 0.1
"""Inverse strength, of features of variance 1 (scikit-learn's C)."""
NUM_FOLDS = 5
RECORD = "record"
DECIDER = "decider.safetensors"
"""In the folder of an exported encoder."""


@dataclass(frozen=True, slots=True)
class DeciderRecord:
    """What a decider's file says besides its arrays."""

    names: tuple[str, ...]
    """Of the F features."""
    attributes: tuple[str, ...]
    numeric: tuple[str, ...]
    num_texts: int
    """In which the terms were counted."""
    sees_pictures: bool
    intercept: float
    of_forest: float
    """Factor of the forest's log-odds."""
    of_margin: float
    """Factor of the model's margin."""
    threshold: float
    """Log-odds above which F1 on the validation pairs is highest."""
    estimated_f1: float | None
    """Of the validation pairs, each decided by what was fitted without its cluster; None of too few clusters."""
    validation_file: str
    """SHA-256 of the scores that it was fitted to."""
    digest: str = ""
    """SHA-256 of the arrays and of all that is said above."""


@dataclass(frozen=True, slots=True)
class Decider:
    """Tells of pairs how likely they are the same product."""

    features: PairFeatures
    forest: Forest
    record: DeciderRecord

    def threshold(self, choice: ThresholdChoice) -> float:
        """Return the log-odds above which `predict.threshold` takes a pair for the same product."""
        if not isinstance(choice, str):
            return choice
        return self.record.threshold if choice == "calibrated" else 0.0

    def log_odds(self, items: ItemTensors, pairs: PairTable, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of B pairs of the items, whose margins are (B,): (B,).

        Raises BadImageError for an unreadable picture, unless such a one is to be blank.
        """
        measures = measure(self.features, items, pairs, self.record.sees_pictures)
        record = self.record
        return record.intercept + record.of_forest * forest_log_odds(self.forest, measures) + record.of_margin * margins


def measure(features: PairFeatures, items: ItemTensors, pairs: PairTable, sees_pictures: bool) -> PairMeasures:
    """Return the features of the pairs of items."""
    colours = None
    if sees_pictures:
        assert items.image is not None
        names = [item.image for item in items.catalog]
        colours = colour_histograms(items.images, names, blank_bad_images=items.image.on_bad_image == "blank")
    return features.measure(list(items.catalog), pairs.source, pairs.target, colours)


def forest_log_odds(forest: Forest, measures: PairMeasures) -> NDArray[np.float64]:
    """Return the log-odds of B pairs by the forest alone: (B,)."""
    probability = forest.probability(measures.matrix)
    return np.log((probability + FEWEST) / (1 - probability + FEWEST))


def fit_decider(
    train: Split, val: Split, val_margins: NDArray[np.float64], validation_file: str, seed: int
) -> Decider:
    """Fit a decider to both labelled splits, and to the margins (B,) of the validation pairs."""
    assert train.pairs.same is not None
    assert val.pairs.same is not None
    features = PairFeatures.of(train.catalog)
    sees_pictures = train.items.image is not None
    measures = measure(features, train.items, train.pairs, sees_pictures)
    forest = Forest.fit(measures.matrix, train.pairs.same, NUM_TREES, seed)
    by_forest = forest_log_odds(forest, measure(features, val.items, val.pairs, sees_pictures))
    evidence, same = np.column_stack([by_forest, val_margins]), val.pairs.same
    blend = _fit_blend(evidence, same)
    record = DeciderRecord(
        names=measures.names,
        attributes=features.names,
        numeric=features.numeric,
        num_texts=len(train.catalog),
        sees_pictures=sees_pictures,
        intercept=blend.intercept,
        of_forest=blend.factors[0],
        of_margin=blend.factors[1],
        threshold=best_f1_threshold(blend.log_odds(evidence), same).threshold,
        estimated_f1=_estimated_f1(evidence, same, pair_clusters(val.pairs.source, val.pairs.target), seed),
        validation_file=validation_file,
    )
    return Decider(features, forest, record)


@dataclass(frozen=True, slots=True)
class _Blend:
    intercept: float
    factors: tuple[float, float]

    def log_odds(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.intercept + evidence[:, 0] * self.factors[0] + evidence[:, 1] * self.factors[1]


def _fit_blend(evidence: NDArray[np.float64], same: NDArray[np.bool_]) -> _Blend:
    """Fit to the evidence (B, 2) of B pairs; neither part of it counts against a pair."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = evidence.mean(axis=0), evidence.std(axis=0)
    deviation[deviation == 0] = 1.0
    used = [0, 1]
    model = LogisticRegression(C=REGULARISATION).fit((evidence - mean) / deviation, same)
    if (model.coef_[0] < 0).any():
        used = [int(model.coef_[0].argmax())]
        model.fit(((evidence - mean) / deviation)[:, used], same)
    factors = np.zeros(2)
    factors[used] = np.maximum(model.coef_[0], 0.0) / deviation[used]
    return _Blend(float(model.intercept_[0] - factors @ mean), (float(factors[0]), float(factors[1])))


def _estimated_f1(
    evidence: NDArray[np.float64], same: NDArray[np.bool_], clusters: NDArray[np.int64], seed: int
) -> float | None:
    """Return F1 of B pairs, each decided by what is fitted to the folds that its cluster is not in."""
    names, cluster = np.unique(clusters, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(names))[cluster] % NUM_FOLDS
    excess = np.zeros(len(same))
    for number in range(NUM_FOLDS):
        own, others = fold == number, fold != number
        if not own.any():
            continue
        if not (same[others].any() and (~same[others]).any()):
            return None
        blend = _fit_blend(evidence[others], same[others])
        threshold = best_f1_threshold(blend.log_odds(evidence[others]), same[others]).threshold
        excess[own] = blend.log_odds(evidence[own]) - threshold
    return verification_metrics(excess, same, 0.0).f1


def write_decider(file: Path, decider: Decider) -> None:
    """Write a decider's file."""
    arrays = dict(decider.forest.arrays())
    for name, rarity in decider.features.rarity.items():
        arrays |= {f"{name} bucket": rarity.bucket, f"{name} count": rarity.count}
    record = replace(decider.record, digest="")
    record = replace(record, digest=_digest(arrays, record))
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    with whole_path(file) as temporary:
        save_file(tensors, temporary, {RECORD: json.dumps(asdict(record))})


def read_decider(file: Path) -> Decider:
    """Read a decider's file; raises UserError for one that is damaged or of something else."""
    tensors = read_safetensors(file)
    try:
        with safe_open(file, "numpy") as stream:
            text = (stream.metadata() or {})[RECORD]
        record = TypeAdapter(DeciderRecord).validate_json(text)
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        if record.digest != _digest(arrays, replace(record, digest="")):
            raise ValueError("its digest is another")
        forest = Forest(**{name: arrays.pop(name) for name in Forest.__dataclass_fields__})
        terms = sorted({name.rsplit(" ", 1)[0] for name in arrays})
        rarity = {
            name: Rarity(record.num_texts, arrays[f"{name} bucket"], arrays[f"{name} count"]) for name in terms
        }
    except (KeyError, ValueError) as error:
        raise UserError(f"{file}: is damaged, or no decider ({error}); delete it and {FIT_AGAIN}") from error
    return Decider(PairFeatures(rarity, record.attributes, record.numeric), forest, record)


FIT_AGAIN = "run bash train.sh with the option file of the run, which fits it anew"


def find_decider(checkpoint: Path) -> Decider:
    """Read the decider of a checkpoint.

    Raises UserError where there is none, and for one that is damaged or of another state of the checkpoint.
    """
    file = decider_path(checkpoint)
    if not file.is_file():
        raise UserError(f"predict.decider: {file} is missing: {FIT_AGAIN}, or set predict.decider=null")
    decider = read_decider(file)
    if decider.record.validation_file != recorded_checksum(checkpoint, VALIDATION):
        raise UserError(f"{file}: was fitted to other scores than those of {checkpoint}; delete it and {FIT_AGAIN}")
    return decider


def _digest(arrays: dict[str, NDArray[np.generic]], record: DeciderRecord) -> str:
    digest = hashlib.sha256(json.dumps(asdict(record), sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
