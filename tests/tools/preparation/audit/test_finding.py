import io
import json
from pathlib import Path

import pytest

from tools.preparation.audit.finding import LONGEST_MESSAGE, Finding, FindingLog, Severity, detail_line


def finding(kind: str = "some-kind", severity: Severity = Severity.NOTE, split: str = "train", **more: str) -> Finding:
    return Finding(kind, severity, split, Path("items.jsonl"), 3, more.get("message", "a message"), ("a", "b"))


def test_findings_are_counted_by_kind_severity_and_split_and_written() -> None:
    details = io.StringIO()
    log = FindingLog(details)
    for one in (finding(message="one"), finding(message="two"), finding(split="val")):
        log.add(one)
    log.add(finding(severity=Severity.WARNING))
    assert log.counts[Severity.NOTE, "some-kind"] == {"train": 2, "val": 1}
    assert log.first[Severity.NOTE, "some-kind"].message == "one"
    assert (log.count(Severity.NOTE), log.count(Severity.WARNING), log.count(Severity.FAULT)) == (3, 1, 0)
    assert [json.loads(line)["message"] for line in details.getvalue().splitlines()] == ["one", "two"] + 2 * [
        "a message"
    ]


@pytest.mark.parametrize("severities", [[], [Severity.NOTE], [Severity.FAULT, Severity.WARNING, Severity.NOTE]])
def test_the_worst_severity_counts(severities: list[Severity]) -> None:
    log = FindingLog(io.StringIO())
    for severity in severities:
        log.add(finding(severity=severity))
    assert log.worst == (Severity.FAULT if len(severities) == 3 else Severity.NOTE)


def test_a_line_of_details_can_be_shown_and_its_ids_read_back() -> None:
    ids = ("花\x1b\x9b\u202e\U000e0001", '"\\')
    line = detail_line(Finding("kind", Severity.FAULT, "val", Path("a\x9bb"), None, "m\u202e" * 1000, ids))
    assert line.removesuffix("\n").isprintable()
    assert "花" in line
    record = json.loads(line)
    assert tuple(record["items"]) == ids
    assert record["file"] == "a\x9bb"
    assert record["severity"] == "fault"
    assert record["line"] is None
    assert len(record["message"]) < 10 * LONGEST_MESSAGE
