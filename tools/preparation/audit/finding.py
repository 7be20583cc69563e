"""What an audit finds: counted for a table, and every finding as a line of a file."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import IntEnum
from pathlib import Path
from typing import TextIO, TypeVar

from data.jsonl import DataError, Record, read_records_or_faults
from options.printable import quoted, shortened

LONGEST_MESSAGE = 400
"""Signs of a message that are kept."""

T = TypeVar("T")


class Severity(IntEnum):
    """How bad a finding is; the value is the exit status of an audit that finds nothing worse."""

    NOTE = 0
    """Worth knowing."""
    WARNING = 1
    """Suspicious, or a value that nothing reads."""
    FAULT = 3
    """Would end training or prediction, or is surely wrong."""


SEVERITIES = {
    kind: severity
    for severity, kinds in {
        Severity.FAULT: (
            "file-missing", "file-unreadable", "file-empty", "item-malformed", "item-repeated", "pair-malformed",
            "pair-dangling", "pair-contradictory", "label-missing", "label-one-sided", "attribute-absent",
            "image-missing", "image-broken", "image-unsupported", "image-too-large",
        ),
        Severity.WARNING: (
            "overlap-item", "overlap-listing", "pair-of-itself", "pair-chain", "pair-shared", "key-unread",
            "attribute-lost", "attribute-misread", "attribute-rare", "item-id-shortened", "image-stand-in",
            "item-no-text", "item-no-title", "item-damaged", "item-id-alike", "tokens-unknown", "text-cut",
            "item-equal", "pair-repeated", "overlap-text", "overlap-image", "image-one-colour", "image-tiny",
            "image-narrow", "image-large", "title-huge",
        ),
        Severity.NOTE: (
            "item-unpaired", "item-no-category", "item-no-attributes", "attribute-notation", "title-control-signs",
            "title-bidi-marks", "title-html", "image-turned",
            "image-profile", "image-suffix", "image-repeated",
        ),
    }.items()
    for kind in kinds
}  # fmt: skip
"""How bad each kind is, unless a check says otherwise of a single finding; in the order of the table."""


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


class FindingLog:
    """Takes findings one at a time; memory grows with the number of kinds alone."""

    def __init__(self, details: TextIO) -> None:
        self._details = details
        self.counts: dict[tuple[Severity, str], Counter[str]] = {}
        """Findings of each severity and kind by split."""
        self.first: dict[tuple[Severity, str], Finding] = {}

    def add(self, finding: Finding) -> None:
        """Count one finding and write its line."""
        kind = finding.severity, finding.kind
        self.counts.setdefault(kind, Counter())[finding.split] += 1
        self.first.setdefault(kind, finding)
        self._details.write(detail_line(finding))

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(splits.total() for kind, splits in self.counts.items() if kind[0] == severity)

    @property
    def worst(self) -> Severity:
        """The gravest severity found; NOTE without findings."""
        return max((severity for severity, _ in self.counts), default=Severity.NOTE)


@dataclass(frozen=True, slots=True)
class FileFindings:
    """Takes what is found in a file of a split."""

    log: FindingLog
    split: str
    file: Path

    def add(self, kind: str, line: int | None, message: str, *items: str, severity: Severity | None = None) -> None:
        """Tell the log of a finding, as grave as its kind unless a severity is given."""
        severity = SEVERITIES[kind] if severity is None else severity
        self.log.add(Finding(kind, severity, self.split, self.file, line, message, items))


def detail_line(finding: Finding) -> str:
    """Return a finding as a line of JSON that a terminal may show; ids can be read back unchanged."""
    shown = {"severity": finding.severity.name.lower(), "file": str(finding.file)}
    message = shortened(finding.message, LONGEST_MESSAGE)
    text = json.dumps(asdict(finding) | shown | {"message": message}, ensure_ascii=False)
    if not text.isprintable():  # JSON escapes the first 32 signs alone
        text = "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)
    return text + "\n"


def readable_lines(
    found: FileFindings, parse: Callable[[int, Record], T], what: str, read: Sequence[str], unread: Collection[str] = ()
) -> Iterator[tuple[int, T]]:
    """Yield the number of every line that can be read and what is parsed of it, and report the others.

    `what` is item or pair; `read` are the keys that something reads, `unread` those of the published files besides.
    """
    known = {*read, *unread}
    number, first, counts = 0, dict[str, int](), Counter[str]()
    try:
        for number, record in read_records_or_faults(found.file):
            try:
                if isinstance(record, DataError):
                    raise record
                parsed = parse(number, record)
            except DataError as fault:
                found.add(f"{what}-malformed", number, fault.reason)
                continue
            for key in record.keys() - known:
                value = record[key]
                if value is not None and not (isinstance(value, str) and not value.strip()):
                    first.setdefault(key, number)
                    counts[key] += 1
            yield number, parsed
    except DataError as fault:
        kind, reason = ("file-unreadable", fault.reason) if found.file.exists() else ("file-missing", "does not exist")
        found.add(kind, None, reason)
        return
    if not number:
        found.add("file-empty", None, f"has no {what}s")
    for line, key in sorted((line, key) for key, line in first.items()):
        hint = "".join(f"; is it {near!r}?" for near in get_close_matches(key.strip().lower(), read, 1))
        found.add("key-unread", line, f"key {quoted(key)} is read by nothing, in {counts[key]:,} {what}(s){hint}")
