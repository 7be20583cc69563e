"""The tables of a report: figures at thresholds, of groups of pairs and of bins of margins."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.threshold import best_f1_threshold
from metrics.verification import VerificationMetrics, verification_metrics
from tools.views.page import signed
from tools.views.reporting.calibration import Reliability
from tools.views.reporting.report_data import ReportData

MOST_GROUPS = 50
"""Rows of a table; the rest are taken together."""
LONGEST_NAME = 80
"""Characters of a group's name."""
NO_CATEGORY = "(no category)"
SHARES = ("F1", "precision", "recall", "accuracy")
WRONG = ("wrongly the same", "wrongly different")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts; the first cell of a row names it, the others are numbers."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_titled: bool = False
    """Whether a heading stands above it, so that its caption is for screen readers alone."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pairs that have something in common, at the calibrated threshold."""

    name: str
    figures: VerificationMetrics
    num_wrongly_same: int
    num_wrongly_different: int


def confusion_table(data: ReportData) -> Table:
    """Return how many pairs of each label were decided how."""
    same, decided = data.pairs.same, data.decided_same
    rows = [
        (f"labelled {name}", f"{int((label & decided).sum()):,}", f"{int((label & ~decided).sum()):,}")
        for name, label in (("the same", same), ("different", ~same))
    ]
    return Table("Labels and decisions", ("pairs", "decided the same", "decided different"), rows)


def threshold_table(data: ReportData) -> Table:
    """Return the figures at the calibrated threshold, at the loss's own and at the best one of these pairs."""
    margins, same = data.pairs.margin, data.pairs.same
    thresholds = {
        "calibrated on the validation pairs": data.calibrated_threshold,
        "the loss's own": data.own_threshold,
    }
    if data.split != "val":
        thresholds["best on these pairs"] = best_f1_threshold(margins, same).threshold
    rows = [
        (name, signed(threshold, 4), *_shares(verification_metrics(margins, same, threshold)))
        for name, threshold in thresholds.items()
    ]
    return Table("Figures by threshold", ("threshold", "value", *SHARES), rows)


def bin_table(found: Reliability) -> Table:
    """Return the bins of neighbouring margins, how many of their pairs are expected to be the same and how many are."""
    rows = [
        (
            f"{signed(part.lowest_margin, 3)} to {signed(part.highest_margin, 3)}",
            f"{part.num_pairs:,}",
            f"{part.mean_probability:.1%}",
            f"{part.share_same:.1%}",
        )
        for part in found.bins
    ]
    return Table("Bins of margins", ("margin", "pairs", "expected the same", "are the same"), rows)


def category_table(data: ReportData) -> Table:
    """Return the figures of each category of the source."""
    categories = [item.category for item in data.catalog]
    groups = grouped(data, [categories[row] or NO_CATEGORY for row in data.pairs.source], "other categories")
    rows = [
        (
            group.name,
            f"{group.figures.num_pairs:,}",
            f"{group.figures.num_positives:,}",
            *_shares(group.figures),
            f"{group.num_wrongly_same:,}",
            f"{group.num_wrongly_different:,}",
        )
        for group in groups
    ]
    headings = ("category", "pairs", "labelled the same", *SHARES, *WRONG)
    return Table("Figures by category of the source", headings, rows, is_titled=True)


def kind_table(data: ReportData) -> Table | None:
    """Return the decisions on each kind of pair; None where kinds are unknown."""
    if data.pairs.kinds is None:
        return None
    groups = grouped(data, [kind or "(not noted)" for kind in data.pairs.kinds], "other kinds")
    rows = [
        (
            group.name,
            f"{group.figures.num_pairs:,}",
            f"{group.figures.num_positives:,}",
            f"{group.figures.num_positives_predicted:,}",
            f"{group.num_wrongly_same:,}",
            f"{group.num_wrongly_different:,}",
            f"{group.figures.accuracy:.4f}",
        )
        for group in groups
    ]
    headings = ("kind", "pairs", "labelled the same", "decided the same", *WRONG, "accuracy")
    return Table("Decisions by kind of pair", headings, rows, is_titled=True)


def grouped(data: ReportData, names: Sequence[str], others: str, most: int = MOST_GROUPS) -> list[Group]:
    """Group the B pairs by B names: the largest groups first, and the rest as one group of so many `others`."""
    largest = [name for name, _ in Counter(names).most_common(most)]
    place = {name: number for number, name in enumerate(largest)}
    # The rest takes the place after the last.
    places = np.array([place.get(name, len(largest)) for name in names])
    shown = [name[:LONGEST_NAME] for name in largest]
    if num_in_rest := len(set(names)) - len(largest):
        shown.append(f"{num_in_rest:,} {others}")
    return [_group(data, name, places == number) for number, name in enumerate(shown)]


def _group(data: ReportData, name: str, chosen: NDArray[np.bool_]) -> Group:
    same, decided = data.pairs.same[chosen], data.decided_same[chosen]
    return Group(
        name=name,
        figures=verification_metrics(data.pairs.margin[chosen], same, data.calibrated_threshold),
        num_wrongly_same=int(np.count_nonzero(decided & ~same)),
        num_wrongly_different=int(np.count_nonzero(~decided & same)),
    )


def _shares(figures: VerificationMetrics) -> tuple[str, str, str, str]:
    """Return F1, precision, recall and accuracy; a dash where nothing is there to be measured."""
    return (
        f"{figures.f1:.4f}" if figures.num_positives else "–",
        f"{figures.precision:.4f}" if figures.num_positives_predicted else "–",
        f"{figures.recall:.4f}" if figures.num_positives else "–",
        f"{figures.accuracy:.4f}",
    )
