"""Which margins of pairs mean the same product: a threshold, or one for each category, chosen and kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.compared_text import compared
from data.loading import Split
from engine.checkpoint import STATE, read_state
from engine.checkpoint_folder import rule_path
from engine.checksums import own_checksum, recorded_checksum
from engine.disk import read_json, write_json
from engine.pair_scores import VALIDATION, pair_category
from options.errors import UserError

FORMAT = 1
ThresholdChoice = float | Literal["calibrated", "learned"]
"""What predict.threshold may be."""


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """Thresholds of margins; a pair is the same product where its margin is above its own."""

    threshold: float
    categories: Mapping[str, float] = field(default_factory=dict)
    """Thresholds of pairs both of whose items are of a category; the others have the one above."""

    def thresholds(self, split: Split) -> NDArray[np.float64]:
        """Return the threshold of each of B pairs of a split: (B,)."""
        if not self.categories:
            return np.full(len(split.pairs), self.threshold)
        names = [item.category for item in split.catalog]
        pairs = zip(split.pairs.source.tolist(), split.pairs.target.tolist(), strict=True)
        return self.thresholds_of([pair_category(names[source], names[target]) for source, target in pairs])

    def thresholds_of(self, pair_categories: list[str | None]) -> NDArray[np.float64]:
        """Return the threshold of each of B pairs by their categories: (B,)."""
        own = {compared(name): threshold for name, threshold in self.categories.items()}
        return np.array([own.get(compared(name or ""), self.threshold) for name in pair_categories], np.float64)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is decided of B pairs: which are the same product, and by what."""

    value: NDArray[np.float64]
    """(B,) the margin, or the log-odds of a second stage"""
    threshold: NDArray[np.float64]
    """(B,) of the value, above which a pair is the same product"""
    margin: NDArray[np.float64]
    """(B,)"""

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether each pair is the same product: (B,)."""
        return self.value > self.threshold

    @property
    def margin_threshold(self) -> NDArray[np.float64]:
        """The threshold of each pair by which its margin decides as its value does: (B,)."""
        if self.value is self.margin:
            return self.threshold
        threshold = self.margin - (self.value - self.threshold)
        below = np.nextafter(self.margin, -np.inf)
        return np.where(self.same, np.minimum(threshold, below), np.maximum(threshold, self.margin))


@dataclass(frozen=True, slots=True)
class EstimatedFigure:
    """A figure on the validation pairs, with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """What the file of a chosen rule holds."""

    format: int
    criterion: str
    rule: DecisionRule
    figures: Mapping[str, EstimatedFigure]
    """On the validation pairs at this rule, and of the global threshold itself."""
    confidence: float
    num_pairs: int
    num_clusters: int
    num_replicates: int
    seed: int
    validation_pairs: str
    """SHA-256 of the ids and labels of the pairs on which it was chosen."""
    validation_file: str
    """SHA-256 of the scores on which it was chosen, by which a rule of another state of the checkpoint is known."""
    left_out: tuple[int, ...] = ()
    """Rows of the validation pairs without which it was chosen, since they are among the pairs to be predicted."""
    own_checksum: str = ""
    """SHA-256 of all that is said above; empty in a rule of before it was kept."""


def write_rule(checkpoint: Path, record: RuleRecord) -> Path:
    """Write the rule of a checkpoint beside it, whose own files stay as their checksums say; return the file."""
    file = rule_path(checkpoint)
    write_json(file, asdict(replace(record, own_checksum=own_checksum(record))))
    return file


def find_rule(checkpoint: Path) -> RuleRecord | None:
    """Read the rule that was chosen for a checkpoint, if there is one.

    Raises UserError for a file that is damaged, or of another state of the checkpoint.
    """
    file = rule_path(checkpoint)
    record = read_json(file, RuleRecord, "choose the threshold again (bash run.sh study calibrate) or delete it")
    if record is None:
        return None
    if record.format != FORMAT:
        raise UserError(f"{file}: format {record.format} is not {FORMAT}, which is read here")
    if record.own_checksum not in ("", own_checksum(record)):
        raise UserError(
            f"{file}: was changed since it was written; choose the threshold again (bash run.sh study calibrate) or "
            "give one yourself (predict.threshold=NUMBER)"
        )
    if record.validation_file != recorded_checksum(checkpoint, VALIDATION):
        raise UserError(
            f"{file}: was chosen on other scores than those of {checkpoint}; choose it again "
            f"(bash run.sh study calibrate {checkpoint}) or delete it"
        )
    return record


def decision_rule(choice: ThresholdChoice, checkpoint: Path) -> DecisionRule:
    """Return what `predict.threshold` chooses for a checkpoint; raises UserError where that is not known.

    Calibrated is the rule that was chosen for it, else the threshold of the highest F1 of its evaluation.
    """
    if not isinstance(choice, str):
        return DecisionRule(choice)
    figures = read_state(checkpoint).evaluation if (checkpoint / STATE).is_file() else None
    if figures is None:
        raise UserError(
            f"predict.threshold: {choice} is kept by checkpoints that were evaluated, and {checkpoint} was not; "
            "give a number, or take predict.checkpoint=best"
        )
    if choice == "learned":
        return DecisionRule(figures.threshold)
    chosen = find_rule(checkpoint)
    return chosen.rule if chosen is not None else DecisionRule(figures.best_possible_threshold)
