"""The table of a benchmark for the terminal, and BENCHMARKS.md, from its record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from benchmarks.speed.record import BenchmarkRecord, BenchmarkRow, MachineLimit, Timing
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


INTRODUCTION = """\
Made by `python -m benchmarks.speed`; not to be edited. Every row is a ratio measured in one run: the framework's way
and a plain reference way take turns, one round each (A B A B ...), each in a process of its own, on the same data and
weights. Times are medians with the least and the most. *ratio* is how many times as long the plain way takes. *of the
limit* is the share of what the machine itself reaches at its best for the same work. Memory is the peak of the process,
loader processes not counted.
"""


def markdown(record: BenchmarkRecord) -> str:
    """Return the report of a record."""
    parts = ["# Benchmarks", INTRODUCTION.strip(), _facts(record)]
    parts += ["## Results", _table(HEADINGS, map(cells, record.rows), LEFT)]
    parts += ["## What is compared", *map(_row_notes, record.rows)]
    if record.limits:
        parts += ["## The machine's limits", _limits(record.limits)]
    return "\n\n".join(parts) + "\n"


def _facts(record: BenchmarkRecord) -> str:
    facts = {"date": record.date, "command": f"`{record.command}`", **record.machine, **record.settings}
    return _table(("machine and run", ""), facts.items(), (0, 1))


def _limits(limits: Sequence[MachineLimit]) -> str:
    rows = [(limit.name, f"{number(limit.rate / 1e9)} x 10⁹" if limit.rate >= 1e9 else number(limit.rate), limit.unit,
             limit.description) for limit in limits]  # fmt: skip
    return _table(("limit", "rate", "", "how it was measured"), rows, (0, 2, 3))


def _row_notes(row: BenchmarkRow) -> str:
    lines = [f"**{row.row}**: {row.title}."]
    if row.reference_title:
        lines.append(f"- plain: {row.reference_title}")
    if row.limit is not None:
        lines.append(f"- limit: {row.limit.title}, {number(row.limit.seconds)} s")
    lines += [f"- {line}" for line in (*check_lines(row), *row.details)]
    return "\n".join([lines[0], "", *lines[1:]]) if len(lines) > 1 else lines[0]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], left: Collection[int]) -> str:
    rule = ["---" if place in left else "---:" for place in range(len(headings))]
    return "\n".join(f"| {' | '.join(_escaped(row))} |" for row in (headings, rule, *rows))


def _escaped(row: Sequence[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in row]
