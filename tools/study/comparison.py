"""Systems on the same pairs, with intervals of their figures and of the differences to the first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.bootstrap import CONFIDENCE, Interval, Resampling, difference_intervals, figure_intervals
from metrics.clusters import pair_clusters
from metrics.verification import verification_metrics
from options.errors import UserError
from options.table import aligned_rows
from tools.study.systems import System, refuse_other_pairs

FIGURES = ("f1", "precision", "recall")


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A figure of a system, the mean over its runs, and its difference to that of the first."""

    system: str
    num_runs: int
    figure: str
    value: float
    interval: Interval
    difference: float | None
    """None for the first system itself."""
    difference_interval: Interval | None

    @property
    def is_distinguishable(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        ends = self.difference_interval
        return ends is not None and not ends.low <= 0.0 <= ends.high


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures of all systems, in order."""

    figures: list[ComparedFigure]
    resampling: Resampling


def compare(systems: Sequence[System], num_replicates: int, seed: int) -> Comparison:
    """Compare systems with the first by a paired bootstrap of clusters of pairs, and of the runs of each.

    Raises UserError where they were scored on different pairs, or on too few.
    """
    first = systems[0]
    for other in systems[1:]:
        refuse_other_pairs(first, other)
    try:
        resampling = Resampling(_clusters(first), num_replicates, seed)
    except ValueError as error:
        raise UserError(f"{first.name}: {error}") from error
    figures = [figure for system in systems for figure in _compared(system, first, resampling)]
    return Comparison(figures, resampling)


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return an aligned table of a comparison, a figure of a system a line."""
    rows = [["system", "runs", "figure", "value", "interval", "difference", "interval", ""]]
    for figure in comparison.figures:
        name = [figure.system, f"{figure.num_runs}", figure.figure.replace("_", " ").replace("f1", "F1")]
        row = [*name, f"{figure.value:.4f}", figure.interval.text(".4f")]
        if figure.difference is None or figure.difference_interval is None:
            rows.append([*row, "", "", ""])
        else:
            verdict = "" if figure.is_distinguishable else "not distinguishable"
            rows.append([*row, f"{figure.difference:+.4f}", figure.difference_interval.text("+.4f"), verdict])
    drawn = comparison.resampling
    return [
        f"{len(drawn.clusters):,} pairs in {drawn.num_clusters:,} clusters that share few or no items; "
        f"{CONFIDENCE:.0%} intervals of {drawn.num_replicates:,} draws; differences are those to the first system",
        *aligned_rows(rows).splitlines(),
    ]


def _clusters(system: System) -> NDArray[np.int64]:
    ids = np.array(system.pair_ids)
    numbers = np.unique(ids, return_inverse=True)[1].reshape(-1, 2)
    return pair_clusters(numbers[:, 0], numbers[:, 1])


def _compared(system: System, first: System, resampling: Resampling) -> list[ComparedFigure]:
    found, reference = _mean_figures(system), _mean_figures(first)
    intervals = figure_intervals(system.predicted, system.same, resampling)
    differences = difference_intervals(system.predicted, first.predicted, first.same, resampling)
    is_first = system is first
    return [
        ComparedFigure(
            system=system.name,
            num_runs=len(system.predicted),
            figure=f"best_possible_{name}" if system.is_fitted else name,
            value=found[name],
            interval=getattr(intervals, name),
            difference=None if is_first else found[name] - reference[name],
            difference_interval=None if is_first else getattr(differences, name),
        )
        for name in FIGURES
    ]


def _mean_figures(system: System) -> dict[str, float]:
    runs = [verification_metrics(np.where(run, 1.0, -1.0), system.same, 0.0) for run in system.predicted]
    return {name: float(np.mean([getattr(run, name) for run in runs])) for name in FIGURES}
