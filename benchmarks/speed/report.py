"""BENCHMARKS.md, from the record of a benchmark."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from benchmarks.speed.record import BenchmarkRecord, BenchmarkRow, MachineLimit
from benchmarks.speed.table import HEADINGS, LEFT, cells, check_lines, number

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
