"""Systems to compare: what each decides on labelled pairs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.decision_rule import decision_rule
from engine.named_checkpoint import checkpoint_of
from engine.pair_scores import read_validation_scores
from engine.threshold_origin import check_use
from options.errors import UserError
from tools.study.submission import Faults, scored_lines

SEED = re.compile(r"-seed[0-9]+$")
"""The end of the names of runs that differ by their seed alone."""


@dataclass(frozen=True, slots=True)
class System:
    """Decisions on B labelled pairs by S runs."""

    name: str
    pair_ids: list[tuple[str, str]]
    same: NDArray[np.bool_]
    """(B,)"""
    predicted: NDArray[np.bool_]
    """(S, B)"""
    is_fitted: bool = False
    """Whether the thresholds were chosen on these very pairs, so that the figures are the best possible ones."""


def system_of(path: Path, pairs: Path | None, threshold: Literal["calibrated", "learned"]) -> System:
    """Return the system of a run, a checkpoint or a submission file; `pairs` has the labels of the latter.

    Raises UserError where it cannot be read.
    """
    if path.is_file():
        if pairs is None:
            raise UserError(f"{path}: is a submission file, which has no labels: give --pairs PAIR_FILE")
        return _submitted(path, pairs)
    if pairs is not None:
        raise UserError(f"{path}: is no submission file, and --pairs compares none but these")
    checkpoint = checkpoint_of(path)
    scores = read_validation_scores(checkpoint)
    check_use(checkpoint, None, threshold)
    predicted = scores.margin > decision_rule(threshold, checkpoint).thresholds_of(scores.pair_categories)
    return System(str(path), scores.pair_ids, scores.same, predicted[None], threshold == "calibrated")


def join_seeds(systems: Iterable[System]) -> list[System]:
    """Return the systems with the runs NAME-seed0, NAME-seed1 ... as one, NAME, where the first of them stood.

    Raises UserError where these were scored on different pairs, and for a run that is there twice.
    """
    groups: dict[str, list[System]] = {}
    for system in systems:
        groups.setdefault(SEED.sub("", system.name), []).append(system)
    return [_joined(name, runs) if len(runs) > 1 else runs[0] for name, runs in groups.items()]


def _joined(name: str, runs: list[System]) -> System:
    if len({run.name for run in runs}) < len(runs):
        raise UserError(f"{name}: one of its runs is named twice; runs of several seeds have to differ")
    for run in runs[1:]:
        refuse_other_pairs(runs[0], run)
    return replace(runs[0], name=name, predicted=np.concatenate([run.predicted for run in runs]))


def refuse_other_pairs(first: System, other: System) -> None:
    """Raise UserError naming the first difference unless two systems decided the same labelled pairs, in one order."""
    places = zip(first.pair_ids, other.pair_ids, first.same.tolist(), other.same.tolist(), strict=False)
    for number, (ids, other_ids, same, other_same) in enumerate(places, start=1):
        if ids != other_ids:
            raise UserError(
                f"{other.name}: was scored on other pairs than {first.name}: pair {number} is {_named(other_ids)}, "
                f"there {_named(ids)}"
            )
        if same != other_same:
            raise UserError(
                f"{other.name}: was scored on other labels than {first.name}: pair {number}, {_named(ids)}, is "
                f'labelled "{other_same:d}", there "{same:d}"'
            )
    if len(first.same) != len(other.same):
        raise UserError(
            f"{other.name}: was scored on other pairs than {first.name}: it has {len(other.same)}, there are "
            f"{len(first.same)}"
        )


def _named(ids: tuple[str, str]) -> str:
    return f"items {ids[0]} and {ids[1]}"


def _submitted(file: Path, pairs: Path) -> System:
    """Return what a submission file decides with the similarity.py beside it, as its judge would."""
    faults = Faults()
    scored = [(line.pair, score > line.threshold) for line, score in scored_lines(file, pairs, faults, labelled=True)]
    if faults:
        fault, (_, place) = next(iter(faults.items()))
        raise UserError(f"{place}: {fault}; bash run.sh study check-submission {file} {pairs} shows all faults")
    ids = [(pair.source_id, pair.target_id) for pair, _ in scored]
    same = np.array([pair.same is True for pair, _ in scored], np.bool_)
    return System(str(file), ids, same, np.array([[decided for _, decided in scored]], np.bool_))
