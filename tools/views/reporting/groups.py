"""Figures of groups of pairs: by the category of the source, by the kind of pair."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.verification import VerificationMetrics, verification_metrics
from tools.views.reporting.report_data import ReportData

MOST_GROUPS = 50
"""Rows of a table; the rest are taken together."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pairs that have something in common, at the calibrated threshold."""

    name: str
    figures: VerificationMetrics
    num_wrongly_same: int
    num_wrongly_different: int


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The largest groups, the largest first, and the rest as one."""

    groups: tuple[Group, ...]
    rest: Group | None
    num_in_rest: int


def group_table(data: ReportData, names: Sequence[str], most: int = MOST_GROUPS) -> GroupTable:
    """Group the B pairs by B names."""
    largest = [name for name, _ in Counter(names).most_common(most)]
    place = {name: number for number, name in enumerate(largest)}
    # The rest takes the place after the last.
    places = np.array([place.get(name, len(largest)) for name in names])
    groups = tuple(_group(data, name, places == number) for number, name in enumerate(largest))
    num_in_rest = len(set(names)) - len(largest)
    rest = _group(data, "", places == len(largest)) if num_in_rest else None
    return GroupTable(groups, rest, num_in_rest)


def _group(data: ReportData, name: str, chosen: NDArray[np.bool_]) -> Group:
    same, decided = data.pairs.same[chosen], data.decided_same[chosen]
    return Group(
        name=name,
        figures=verification_metrics(data.pairs.margin[chosen], same, data.calibrated_threshold),
        num_wrongly_same=int(np.count_nonzero(decided & ~same)),
        num_wrongly_different=int(np.count_nonzero(~decided & same)),
    )
