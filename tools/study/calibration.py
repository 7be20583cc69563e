"""A decision rule that is chosen on the validation scores of a checkpoint."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.item_pair import parse_pair, refuse_one_label
from data.jsonl import read_records
from engine.checksums import recorded_checksum
from engine.decision_rule import FORMAT, DecisionRule, EstimatedFigure, RuleRecord
from engine.pair_scores import VALIDATION, ValidationScores, read_validation_scores
from engine.threshold_origin import check_use, pairs_to_predict, refuse_shared_pairs, shared_pairs
from metrics.bootstrap import CONFIDENCE, Resampling, figure_intervals, threshold_interval
from metrics.category_thresholds import NO_CATEGORY, NUM_FOLDS, cross_validate, shrunk_thresholds
from metrics.clusters import pair_clusters
from metrics.threshold import Criterion, choose_threshold
from metrics.verification import verification_metrics
from options.errors import UserError
from options.table import aligned_rows


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """How a rule is chosen."""

    criterion: Criterion
    per_category: bool
    shrinkage: float
    num_replicates: int
    seed: int
    test: Path | None = None
    """Pairs to be predicted, in place of those of the run's data.test."""
    drop_shared: bool = False
    """Whether validation pairs that are among them are left out, which else are refused."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A chosen rule and what is worth saying of the choice."""

    record: RuleRecord
    notes: list[str]


def calibrate(checkpoint: Path, settings: CalibrationSettings) -> Calibration:
    """Choose the rule of a checkpoint on its validation scores, without writing it.

    Raises UserError for a checkpoint without scores, validation pairs that are test pairs, a criterion that no
    threshold meets, and too few pairs.
    """
    scores, left_out, notes = _choosing_scores(checkpoint, settings)
    clusters = pair_clusters(scores.source, scores.target)
    choice = choose_threshold(scores.margin, scores.same, settings.criterion)
    if choice is None:
        raise UserError(
            f"{checkpoint}: no threshold meets {settings.criterion} on its {len(scores.same)} validation pairs"
        )
    rule = DecisionRule(choice.threshold)
    try:
        resampling = Resampling(clusters, settings.num_replicates, settings.seed)
        if settings.per_category:
            rule, note = _by_category(scores, clusters, rule, settings)
            notes.append(note)
    except ValueError as error:
        raise UserError(f"{checkpoint}: {error}") from error
    record = RuleRecord(
        format=FORMAT,
        criterion=str(settings.criterion),
        rule=rule,
        figures=_figures(scores, rule, settings.criterion, resampling),
        confidence=CONFIDENCE,
        num_pairs=len(scores.same),
        num_clusters=resampling.num_clusters,
        num_replicates=settings.num_replicates,
        seed=settings.seed,
        validation_pairs=scores.digest,
        validation_file=recorded_checksum(checkpoint, VALIDATION) or "",
        left_out=left_out,
    )
    return Calibration(record, notes)


def _choosing_scores(
    checkpoint: Path, settings: CalibrationSettings
) -> tuple[ValidationScores, tuple[int, ...], list[str]]:
    """Return the validation scores that may choose a rule, the rows of the others, and what is worth saying."""
    scores = read_validation_scores(checkpoint)
    check_use(checkpoint, None, "calibrated")
    file = settings.test or pairs_to_predict(checkpoint)
    shared, notes = np.zeros(len(scores.same), np.bool_), list[str]()
    if file is not None and (file.exists() or settings.test is not None):
        pairs = (parse_pair(file, number, record) for number, record in read_records(file))
        shared = shared_pairs(scores, ((pair.source_id, pair.target_id) for pair in pairs))
    elif settings.drop_shared:
        raise UserError(f"--drop-shared: {file or 'the file of the test pairs'} is not here; name it with --test FILE")
    elif file is not None:
        notes.append(
            f"{file}, the pairs of data.test, is not here: whether they are the validation pairs was not looked at"
        )
    if settings.drop_shared:
        notes.append(f"left out: {shared.sum():,} of {len(shared):,} validation pairs, which are pairs of {file}")
        scores = scores.only(~shared)
    elif file is not None:
        refuse_shared_pairs(checkpoint, scores, shared, file)
    refuse_one_label(checkpoint, scores.same)
    return scores, tuple(np.flatnonzero(shared).tolist()), notes


def calibration_lines(calibration: Calibration) -> list[str]:
    """Return the table of a calibration and what else is worth saying."""
    record = calibration.record
    rows = [["", "value", "from", "to"]]
    rows += [
        [
            name.replace("_", " ").replace("f1", "F1"),
            *(f"{number:.4f}" for number in (figure.value, figure.low, figure.high)),
        ]
        for name, figure in record.figures.items()
    ]
    thresholds = [[category, f"{threshold:.4f}"] for category, threshold in sorted(record.rule.categories.items())]
    return [
        f"{record.criterion} on {record.num_pairs:,} validation pairs in {record.num_clusters:,} clusters that share "
        f"few or no items; {record.confidence:.0%} intervals of {record.num_replicates:,} draws",
        *aligned_rows(rows).splitlines(),
        *(aligned_rows([["category", "threshold"], *thresholds]).splitlines() if thresholds else []),
        *calibration.notes,
    ]


def _by_category(
    scores: ValidationScores, clusters: NDArray[np.int64], one: DecisionRule, settings: CalibrationSettings
) -> tuple[DecisionRule, str]:
    """Return thresholds by category where they do better on pairs held out and no worse on all, and what was found."""
    names = sorted({name for name in scores.pair_categories if name is not None})
    numbers = {name: number for number, name in enumerate(names)}
    categories = np.array([numbers.get(name or "", NO_CATEGORY) for name in scores.pair_categories], np.int64)
    data = (scores.margin, scores.same, categories)
    chosen = shrunk_thresholds(*data, settings.criterion, settings.shrinkage)
    assert chosen is not None, "one threshold meets the criterion"
    held_out = cross_validate(*data, clusters, settings.criterion, shrinkage=settings.shrinkage, seed=settings.seed)
    rule = DecisionRule(chosen.threshold, {names[number]: threshold for number, threshold in chosen.categories.items()})
    before, after = (
        verification_metrics(scores.margin, scores.same, each.thresholds_of(scores.pair_categories)).f1
        for each in (one, rule)
    )
    found = (
        f"thresholds of {len(chosen.categories)} of {len(names)} categories: F1 {held_out.by_category:.4f} in "
        f"{NUM_FOLDS}-fold cross-validation, one threshold {held_out.one_threshold:.4f}"
    )
    if held_out.by_category > held_out.one_threshold and after >= before:
        return rule, f"kept {found}"
    return one, f"not kept, as they do not help: {found}"


def _figures(
    scores: ValidationScores, rule: DecisionRule, criterion: Criterion, resampling: Resampling
) -> dict[str, EstimatedFigure]:
    thresholds = rule.thresholds_of(scores.pair_categories)
    found = verification_metrics(scores.margin, scores.same, thresholds)
    intervals = figure_intervals(scores.margin > thresholds, scores.same, resampling)
    of_threshold = threshold_interval(scores.margin, scores.same, criterion, resampling)
    return {
        "threshold": EstimatedFigure(rule.threshold, *of_threshold),
        "best_possible_f1": EstimatedFigure(found.f1, *intervals.f1),
        "best_possible_precision": EstimatedFigure(found.precision, *intervals.precision),
        "best_possible_recall": EstimatedFigure(found.recall, *intervals.recall),
    }
