import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.criterion import Criterion, parse_criterion
from metrics.cuts import sort_pairs
from metrics.threshold import ThresholdChoice, choose_threshold

Pairs = list[tuple[float, bool]]

labelled_margins = st.one_of(
    st.lists(st.tuples(st.integers(-4, 4).map(float), st.booleans()), min_size=1, max_size=30),
    st.lists(st.tuples(st.floats(-1e300, 1e300), st.booleans()), min_size=1, max_size=30),
).filter(lambda pairs: any(same for _, same in pairs))
ratios = st.one_of(st.sampled_from([1.0, 0.5, 0.9, 1 / 3, 2 / 3, 0.1]), st.floats(1e-9, 1.0))


def choose(pairs: Pairs, criterion: Criterion) -> ThresholdChoice | None:
    return choose_threshold(np.array([margin for margin, _ in pairs]), np.array([same for _, same in pairs]), criterion)


def every_decision(pairs: Pairs) -> list[tuple[int, int]]:
    """Hits and predicted pairs of every decision that thresholds can make, from none to all."""
    thresholds = [*sorted({margin for margin, _ in pairs}, reverse=True), -math.inf]
    taken = [[same for margin, same in pairs if margin > threshold] for threshold in thresholds]
    return [(sum(labels), len(labels)) for labels in taken]


def decision(pairs: Pairs, threshold: float) -> tuple[int, int]:
    labels = [same for margin, same in pairs if margin > threshold]
    return sum(labels), len(labels)


@given(labelled_margins, ratios)
def test_a_precision_is_reached_with_the_highest_recall(pairs: Pairs, precision: float) -> None:
    reaching = [(hits, -taken) for hits, taken in every_decision(pairs) if taken and hits / taken >= precision]

    choice = choose(pairs, Criterion("precision", precision))

    if choice is None:
        assert not reaching
    else:
        hits, taken = decision(pairs, choice.threshold)
        assert (hits, -taken) == max(reaching)


@given(labelled_margins, ratios)
def test_a_recall_is_reached_with_the_highest_precision(pairs: Pairs, recall: float) -> None:
    positives = sum(same for _, same in pairs)
    reaching = [
        (Fraction(hits, taken), hits) for hits, taken in every_decision(pairs) if hits and hits / positives >= recall
    ]

    choice = choose(pairs, Criterion("recall", recall))

    assert choice is not None
    hits, taken = decision(pairs, choice.threshold)
    assert (Fraction(hits, taken), hits) == max(reaching)


@given(labelled_margins, st.integers(0, 31))
def test_the_number_of_positives_comes_as_near_as_ties_allow(pairs: Pairs, number: int) -> None:
    nearest = min((abs(taken - number), taken) for _, taken in every_decision(pairs))

    choice = choose(pairs, Criterion("positives", number))

    if choice is None:
        assert number > len(pairs)
    else:
        taken = decision(pairs, choice.threshold)[1]
        assert (abs(taken - number), taken) == nearest


@given(labelled_margins, st.sampled_from(["f1", "precision", "recall", "positives"]), st.randoms())
def test_a_pair_counted_twice_is_as_two_pairs(pairs: Pairs, name: str, random: object) -> None:
    multiplicity = [random.randrange(3) for _ in pairs]  # type: ignore[attr-defined]
    repeated = [pair for pair, count in zip(pairs, multiplicity, strict=True) for _ in range(count)]
    if not any(same for _, same in repeated):
        return
    margins, same = np.array([margin for margin, _ in pairs]), np.array([same for _, same in pairs])
    criterion = Criterion(name, 0.5 if name in ("precision", "recall") else 2.0)

    cuts = sort_pairs(margins, same).cuts(np.array(multiplicity))
    cut = criterion.cut(cuts)

    choice = choose(repeated, criterion)
    if cut is None:
        assert choice is None
    else:
        assert choice is not None
        assert decision(repeated, cuts.threshold(cut)) == decision(repeated, choice.threshold)


def test_a_precision_that_no_threshold_reaches_has_none() -> None:
    assert choose([(2.0, False), (1.0, True)], Criterion("precision", 0.6)) is None


def test_nine_of_ten_reach_a_precision_and_a_recall_of_nine_tenths() -> None:
    pairs = [(float(number), number != 3) for number in range(10)]
    precise = choose(pairs, Criterion("precision", 0.9))
    assert precise is not None
    assert (precise.precision, precise.recall) == (0.9, 1.0)


def test_ties_take_all_or_none_and_of_equally_near_the_fewer() -> None:
    pairs = [(1.0, True), (1.0, False), (0.0, True)]
    taken = [choose(pairs, Criterion("positives", number)) for number in (0, 1, 2, 3)]
    assert [decision(pairs, choice.threshold)[1] for choice in taken if choice is not None] == [0, 0, 2, 3]


@pytest.mark.parametrize("margin", [1e308, -1e308, 1.7976931348623157e308, 5e-324, 0.0])
def test_no_pair_is_taken_above_the_highest_margin_whatever_its_size(margin: float) -> None:
    choice = choose([(margin, True)], Criterion("positives", 0))
    assert choice is not None
    assert not margin > choice.threshold
    assert math.isfinite(choice.threshold)


@pytest.mark.parametrize("text", ["f1", "precision=0.9", "recall=1", "positives=0", "positives=4900"])
def test_a_criterion_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_criterion(text)) == text


@pytest.mark.parametrize(
    "text", ["", "f2", "f1=0.5", "precision", "precision=0", "recall=1.1", "recall=nan", "positives=-1", "positives=.5"]
)
def test_other_criteria_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no criterion; give f1"):
        parse_criterion(text)
