"""What cross_validate.py prints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.bootstrap import CONFIDENCE, Interval, Resampling
from options.table import aligned_rows
from tools.study.cross_validation.held_out import Decided, f1_by_seed, interval, mean_f1_replicates, right_share


def table_lines(systems: Sequence[Decided], same: NDArray[np.bool_], resampling: Resampling) -> list[str]:
    """Return the F1 of each system, the mean over seeds, and the difference to the first one's, with intervals."""
    first = systems[0]
    reference = mean_f1_replicates(first, same, resampling)
    rows = [["system", "F1", "interval", "seeds from", "to", "difference", "interval", "seconds a fold"]]
    for system in systems:
        f1, replicates = f1_by_seed(system, same), mean_f1_replicates(system, same, resampling)
        difference = ["", ""]
        if system is not first:
            change = f1.mean() - f1_by_seed(first, same).mean()
            difference = [f"{change:+.4f}", _ends(interval(replicates - reference), "+.4f")]
        figures = [f"{f1.mean():.4f}", _ends(interval(replicates), ".4f"), f"{f1.min():.4f}", f"{f1.max():.4f}"]
        rows.append([system.name, *figures, *difference, f"{system.seconds:.0f}"])
    left_out = (first.weights == 0).mean()
    return [
        f"{len(same):,} pairs in {resampling.num_clusters:,} clusters, {len(first.weights)} seed(s); {left_out:.1%} of "
        "them have items of two folds and are left out, the others of their label count for them",
        f"thresholds are those of the highest F1 on the other folds' pairs; {CONFIDENCE:.0%} intervals of "
        f"{resampling.num_replicates:,} draws; differences are those to the first system",
        *aligned_rows(rows, ruled=True).splitlines(),
    ]


def kind_lines(systems: Sequence[Decided], same: NDArray[np.bool_], kinds: Sequence[str]) -> list[str]:
    """Return the share of right decisions of each system by kind of pair."""
    of_pair = np.array(kinds)
    rows = [["right decisions by kind of pair", "pairs", *(system.name for system in systems)]]
    for kind in sorted(set(kinds)):
        chosen = of_pair == kind
        shares = [f"{right_share(system, same, chosen):.3f}" for system in systems]
        rows.append([kind, f"{chosen.sum():,}", *shares])
    return aligned_rows(rows, ruled=True).splitlines()


def _ends(ends: Interval, form: str) -> str:
    return f"{ends.low:{form}} to {ends.high:{form}}"
