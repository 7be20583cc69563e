"""What a trial found, and the table of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from options.table import aligned_rows

HEADINGS = ("trial", "what was done", "count", "passed", "figure", "seconds")
LEFT = (0, 1, 4)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One line of the table."""

    trial: str
    action: str
    count: int
    passed: int
    figure: str
    seconds: float
    faults: tuple[str, ...] = ()
    """What went wrong, a sentence each."""
    was_skipped: bool = False
    """Whether the machine forbids the trial; `figure` says why."""

    @property
    def has_failed(self) -> bool:
        """Whether anything did not pass."""
        return not self.was_skipped and (self.passed < self.count or len(self.faults) > 0)


def format_table(results: Sequence[TrialResult]) -> str:
    """Return the results as an aligned table, and below it each fault on a line of its own."""
    table = aligned_rows([HEADINGS, *map(_cells, results)], LEFT, ruled=True)
    faults = [f"{result.trial}: {fault}" for result in results for fault in result.faults]
    return "\n".join([table, *([""] if faults else []), *faults])


def _cells(result: TrialResult) -> tuple[str, ...]:
    passed = "skipped" if result.was_skipped else f"{result.passed:,}"
    return result.trial, result.action, f"{result.count:,}", passed, result.figure, f"{result.seconds:,.0f}"
