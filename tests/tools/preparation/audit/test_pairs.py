import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from data.item import ItemPair
from tests.tools.preparation.audit.clean_data import KeptLog
from tools.preparation.audit.finding import FileFindings, Finding, Severity
from tools.preparation.audit.pairs import (
    PairLines,
    report_chains,
    report_dangling,
    report_labels,
    report_repeated,
    report_shared,
)


def pair_lines(*pairs: tuple[str, str, bool | None]) -> PairLines:
    lines = PairLines()
    for number, pair in enumerate(pairs, start=1):
        lines.append(number, ItemPair(*pair))
    return lines


def findings(
    report: Callable[[PairLines, FileFindings], None], lines: PairLines, split: str = "train"
) -> list[Finding]:
    """Return what a check reports."""
    log = KeptLog(io.StringIO())
    report(lines, FileFindings(log, split, Path("pairs.jsonl")))
    return log.findings


def found(findings: list[Finding]) -> list[tuple[str, int | None]]:
    return [(finding.kind, finding.line) for finding in findings]


def test_a_repeated_pair_names_the_line_that_it_repeats() -> None:
    lines = pair_lines(("a", "b", True), ("c", "d", None), ("b", "a", True), ("d", "c", False))
    repeated = findings(report_repeated, lines)
    assert found(repeated) == [("pair-repeated", 3), ("pair-repeated", 4)]
    assert "on line 1" in repeated[0].message
    assert repeated[0].items == ("b", "a")


def test_a_contradiction_is_found_behind_a_repetition_and_both_ways() -> None:
    lines = pair_lines(("a", "b", True), ("a", "b", True), ("b", "a", False), ("a", "b", True))
    contradictions = findings(report_repeated, lines)
    assert found(contradictions) == [("pair-repeated", 2), ("pair-contradictory", 3), ("pair-contradictory", 4)]
    assert "are different, on line 1 the same" in contradictions[1].message
    assert "are the same, on line 3 different" in contradictions[2].message


def test_test_pairs_that_are_validation_pairs_are_one_warning_with_their_number() -> None:
    val = pair_lines(("a", "b", True), ("c", "d", False), ("e", "f", True))
    test = pair_lines(("x", "y", None), ("b", "a", None), ("c", "d", None), ("a", "d", None))
    (finding,) = findings(lambda lines, found: report_shared(val, lines, found), test)
    assert (finding.kind, finding.severity, finding.line) == ("pair-shared", Severity.WARNING, 2)
    assert finding.message.startswith("2 of 4 pairs")
    assert findings(lambda lines, found: report_shared(val, lines, found), pair_lines(("a", "d", None))) == []


def test_without_labels_nothing_contradicts() -> None:
    lines = pair_lines(("a", "b", None), ("a", "c", None))
    assert findings(report_repeated, lines, "test") == []
    assert findings(report_chains, lines) == []
    assert findings(report_labels, lines, "test") == []


@pytest.mark.parametrize("seed", range(5))
def test_chains_are_those_that_a_search_along_same_pairs_finds(seed: int) -> None:
    generator = np.random.default_rng(seed)
    drawn = [(str(a), str(b), bool(same)) for a, b, same in generator.integers(0, (30, 30, 2), (40, 3)).tolist()]
    lines = pair_lines(*drawn)

    def reachable(start: str) -> set[str]:
        reached = {start}
        for _ in drawn:
            reached |= {y for a, b, same in drawn if same for x, y in ((a, b), (b, a)) if x in reached}
        return reached

    positive = {frozenset(pair[:2]) for pair in drawn if pair[2]}
    expected = [
        number
        for number, (a, b, same) in enumerate(drawn, start=1)
        if not same and a != b and b in reachable(a) and frozenset((a, b)) not in positive
    ]
    assert [finding.line for finding in findings(report_chains, lines)] == expected
    assert expected


def test_a_long_chain_is_one_product() -> None:
    names = [str(number) for number in range(2000)]
    chain = [(first, second, True) for first, second in pairwise(names)]
    lines = pair_lines(*chain, ("0", "1999", False), ("0", "other", False))
    assert found(findings(report_chains, lines)) == [("pair-chain", 2000)]


@pytest.mark.parametrize(
    ("split", "labels", "expected"),
    [
        ("train", [True, False], []),
        ("train", [True, False, None], [("label-missing", 3)]),
        ("train", [None, None], [("label-missing", 1), ("label-missing", 2)]),
        ("test", [None, None], []),
        ("test", [None, True, False], [("label-missing", 1)]),
        ("val", [True], [("label-one-sided", None)]),
        ("val", [], []),
    ],
)
def test_labels_are_needed_where_something_reads_them(
    split: str, labels: list[bool | None], expected: list[tuple[str, int | None]]
) -> None:
    lines = pair_lines(*((f"a{number}", f"b{number}", label) for number, label in enumerate(labels)))
    assert found(findings(report_labels, lines, split)) == expected


def test_an_id_that_is_not_there_is_held_against_those_that_look_alike() -> None:
    lines = pair_lines(("Ａ１", "a 1", True), ("b", "c", False))
    dangling = findings(lambda lines, found: report_dangling(lines, {"A1": 1, "a1": 2, "b": 3}, found), lines)
    assert found(dangling) == [("pair-dangling", 1), ("pair-dangling", 1), ("pair-dangling", 2)]
    assert "'Ａ１' is not in the item file, which has 'A1': white space or width differs" in dangling[0].message
    assert "which has 'a1'" in dangling[1].message
    assert dangling[2].message == "item 'c' is not in the item file"
