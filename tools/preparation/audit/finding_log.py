"""Counts of findings for a table, and every one of them as a line of a file."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import TextIO

from options.printable import shortened
from tools.preparation.audit.finding import Finding, Severity

LONGEST_MESSAGE = 400
"""Signs of a message that are kept."""

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
