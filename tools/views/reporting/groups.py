"""The figures of a report: at thresholds, and of groups of pairs."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from metrics.threshold import best_f1_threshold
from metrics.verification import VerificationMetrics, verification_metrics
from tools.views.reporting.report_data import ReportData

MOST_GROUPS = 50
"""Rows of a table; the rest are taken together."""
LONGEST_NAME = 80
"""Characters of a group's name."""


Group = tuple[str, VerificationMetrics]
"""Name and figures of pairs that have something in common."""


def figures_by_threshold(data: ReportData) -> dict[str, tuple[float, VerificationMetrics]]:
    """Return by name the calibrated threshold, the loss's own and the best one of these pairs, with their figures."""
    margins, same = data.pairs.margin, data.pairs.same
    calibrated = "best possible: calibrated on these pairs" if data.figures_of else "calibrated on the validation pairs"
    thresholds = {calibrated: data.calibrated_threshold, "the loss's own": data.own_threshold}
    if not data.figures_of:
        thresholds["best possible on these pairs"] = best_f1_threshold(margins, same).threshold
    return {name: (value, verification_metrics(margins, same, value)) for name, value in thresholds.items()}


def by_category(data: ReportData) -> list[Group]:
    """Return the pairs by the category of their source."""
    names = [data.pairs.categories[row] or "(no category)" for row in data.pairs.source]
    return grouped(data, names, "other categories")


def by_kind(data: ReportData) -> list[Group] | None:
    """Return the pairs by how they were made; None where that is unknown."""
    if data.kinds is None:
        return None
    return grouped(data, [kind or "(not noted)" for kind in data.kinds], "other kinds")


def grouped(data: ReportData, names: Sequence[str], others: str, most: int = MOST_GROUPS) -> list[Group]:
    """Group the B pairs by B names, with their figures at the calibrated threshold.

    The largest groups come first, and the rest as one group of so many `others`.
    """
    largest = [name for name, _ in Counter(names).most_common(most)]
    place = {name: number for number, name in enumerate(largest)}
    # The rest takes the place after the last.
    places = np.array([place.get(name, len(largest)) for name in names])
    shown = [name[:LONGEST_NAME] for name in largest]
    if num_in_rest := len(set(names)) - len(largest):
        shown.append(f"{num_in_rest:,} {others}")
    groups = []
    for number, name in enumerate(shown):
        chosen = places == number
        figures = verification_metrics(data.pairs.margin[chosen], data.pairs.same[chosen], data.calibrated_threshold)
        groups.append((name, figures))
    return groups
