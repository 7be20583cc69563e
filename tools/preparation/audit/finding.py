"""What an audit finds: counted for a table, and every finding as a line of a file."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TextIO, TypeVar

from data.jsonl import DataError, Record, read_records_or_faults
from options.printable import shortened

LONGEST_MESSAGE = 400
"""Signs of a message that are kept."""

T = TypeVar("T")


class Severity(IntEnum):
    """How bad a finding is; the value is the exit status of an audit that finds nothing worse."""

    NOTE = 0
    """Worth knowing."""
    WARNING = 1
    """Suspicious."""
    FAULT = 3
    """Would end training or prediction, or is surely wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, and where."""

    kind: str
    severity: Severity
    split: str
    """train | val | test"""
    file: Path
    line: int | None
    """From 1; None for what concerns the whole file."""
    message: str
    items: tuple[str, ...] = ()
    """Ids of the items concerned."""


FindingKind = tuple[Severity, str]
"""What a row of the table stands for."""


class FindingLog:
    """Takes findings one at a time; memory grows with the number of kinds alone."""

    def __init__(self, details: TextIO) -> None:
        self._details = details
        self.counts: dict[FindingKind, Counter[str]] = {}
        """Findings of each kind by split."""
        self.first: dict[FindingKind, Finding] = {}

    def add(self, finding: Finding) -> None:
        """Count one finding and write its line."""
        kind = finding.severity, finding.kind
        self.counts.setdefault(kind, Counter())[finding.split] += 1
        self.first.setdefault(kind, finding)
        self._details.write(detail_line(finding))

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add all findings of a check."""
        for finding in findings:
            self.add(finding)

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(splits.total() for kind, splits in self.counts.items() if kind[0] == severity)

    @property
    def worst(self) -> Severity:
        """The gravest severity found; NOTE without findings."""
        return max((severity for severity, _ in self.counts), default=Severity.NOTE)


def detail_line(finding: Finding) -> str:
    """Return a finding as a line of JSON that a terminal may show; ids can be read back unchanged."""
    record = {
        "kind": finding.kind,
        "severity": finding.severity.name.lower(),
        "split": finding.split,
        "file": str(finding.file),
        "line": finding.line,
        "items": finding.items,
        "message": shortened(finding.message, LONGEST_MESSAGE),
    }
    text = json.dumps(record, ensure_ascii=False)
    if not text.isprintable():  # JSON escapes the first 32 signs alone
        text = "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)
    return text + "\n"


def readable_lines(
    split: str,
    file: Path,
    parse: Callable[[int, Record], T],
    report: Callable[[Finding], None],
    *,
    malformed: str,
    empty: str,
) -> Iterator[tuple[int, T]]:
    """Yield the number of every line that can be read and what is made of it, and report the others.

    Args:
        split: name of the split.
        file: of JSON lines.
        parse: takes the number and the record of a line; may raise DataError.
        report: is told what was found.
        malformed: kind of the finding of a line that cannot be read.
        empty: what is said of a file without lines.
    """
    number = 0
    try:
        for number, record in read_records_or_faults(file):
            try:
                if isinstance(record, DataError):
                    raise record
                parsed = parse(number, record)
            except DataError as fault:
                report(Finding(malformed, Severity.FAULT, split, file, number, fault.reason))
            else:
                yield number, parsed
    except DataError as fault:
        if file.exists():
            report(Finding("file-unreadable", Severity.FAULT, split, file, None, fault.reason))
        else:
            report(Finding("file-missing", Severity.FAULT, split, file, None, "does not exist"))
        return
    if not number:
        report(Finding("file-empty", Severity.FAULT, split, file, None, empty))
