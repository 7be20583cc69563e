"""The cells of a benchmark's table, for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.speed.record import BenchmarkRow, Timing
from options.table import aligned_rows

HEADINGS = (
    "row",
    "seconds (least to most)",
    "a second",
    "plain: seconds",
    "ratio",
    "of the limit",
    "MiB",
    "plain: MiB",
)
LEFT = (0,)
"""Columns that are no numbers."""
MEBIBYTE = 1 << 20
NOTHING = "-"


def cells(row: BenchmarkRow) -> tuple[str, ...]:
    """Return the cells of a row, as HEADINGS names them."""
    return (
        row.row,
        spread(row.ours),
        f"{number(row.rate)} {row.unit}",
        spread(row.reference) if row.reference is not None else NOTHING,
        f"{row.ratio:.2f} x" if row.ratio is not None else NOTHING,
        f"{row.fraction:.1%}" if row.fraction is not None else NOTHING,
        mebibytes(row.ours),
        mebibytes(row.reference) if row.reference is not None else NOTHING,
    )


def spread(timing: Timing) -> str:
    """Return the median, and the least and the most."""
    return f"{number(timing.median)} ({number(min(timing.seconds))} to {number(max(timing.seconds))})"


def mebibytes(timing: Timing) -> str:
    """Return the peak of memory."""
    return f"{timing.peak_bytes / MEBIBYTE:,.0f}" if timing.peak_bytes else NOTHING


def number(value: float) -> str:
    """Return a number of about three digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def format_table(rows: Sequence[BenchmarkRow]) -> str:
    """Return the table, and below it what each row measured, its checks and its findings."""
    table = aligned_rows([HEADINGS, *map(cells, rows)], LEFT, ruled=True)
    return "\n".join([table, "", *(line for row in rows for line in _notes(row))])


def check_lines(row: BenchmarkRow) -> list[str]:
    """Return a line for each check of a row."""
    return [
        f"{check.title}: {check.value:.3g} (at most {check.bound:g}): {'passed' if check.has_passed else 'FAILED'}"
        for check in row.checks
    ]


def _notes(row: BenchmarkRow) -> list[str]:
    return [f"{row.row}: {row.title}", *(f"    {line}" for line in (*check_lines(row), *row.details))]
