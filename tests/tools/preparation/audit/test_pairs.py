from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from data.item import ItemPair
from tools.preparation.audit.finding import Finding, Severity
from tools.preparation.audit.pairs import (
    PairLines,
    contradictory_chains,
    label_findings,
    repeated_pairs,
    shared_pair_findings,
)


def pair_lines(*pairs: tuple[str, str, bool | None]) -> PairLines:
    lines = PairLines(Path("pairs.jsonl"))
    for number, pair in enumerate(pairs, start=1):
        lines.append(number, ItemPair(*pair))
    return lines


def found(findings: list[Finding]) -> list[tuple[str, int | None]]:
    return [(finding.kind, finding.line) for finding in findings]


def test_a_repeated_pair_names_the_line_that_it_repeats() -> None:
    lines = pair_lines(("a", "b", True), ("c", "d", None), ("b", "a", True), ("d", "c", False))
    repeated = list(repeated_pairs("train", lines))
    assert found(repeated) == [("pair-repeated", 3), ("pair-repeated", 4)]
    assert "on line 1" in repeated[0].message
    assert repeated[0].items == ("b", "a")


def test_a_contradiction_is_found_behind_a_repetition_and_both_ways() -> None:
    lines = pair_lines(("a", "b", True), ("a", "b", True), ("b", "a", False), ("a", "b", True))
    contradictions = list(repeated_pairs("train", lines))
    assert found(contradictions) == [("pair-repeated", 2), ("pair-contradictory", 3), ("pair-contradictory", 4)]
    assert "are different, on line 1 the same" in contradictions[1].message
    assert "are the same, on line 3 different" in contradictions[2].message


def test_test_pairs_that_are_validation_pairs_are_one_warning_with_their_number() -> None:
    val = pair_lines(("a", "b", True), ("c", "d", False), ("e", "f", True))
    test = pair_lines(("x", "y", None), ("b", "a", None), ("c", "d", None), ("a", "d", None))
    (finding,) = shared_pair_findings(val, test)
    assert (finding.kind, finding.severity, finding.line) == ("pair-shared", Severity.WARNING, 2)
    assert finding.message.startswith("2 of 4 pairs")
    assert list(shared_pair_findings(val, pair_lines(("a", "d", None)))) == []


def test_without_labels_nothing_contradicts() -> None:
    lines = pair_lines(("a", "b", None), ("a", "c", None))
    assert list(repeated_pairs("test", lines)) == []
    assert list(contradictory_chains("test", lines)) == []
    assert list(label_findings("test", lines)) == []


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
    assert [finding.line for finding in contradictory_chains("train", lines)] == expected
    assert expected


def test_a_long_chain_is_one_product() -> None:
    names = [str(number) for number in range(2000)]
    chain = [(first, second, True) for first, second in pairwise(names)]
    findings = list(contradictory_chains("train", pair_lines(*chain, ("0", "1999", False), ("0", "other", False))))
    assert found(findings) == [("pair-chain", 2000)]


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
    assert found(list(label_findings(split, lines))) == expected
