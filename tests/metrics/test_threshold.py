import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.threshold import (
    LARGEST,
    Criterion,
    Cuts,
    ThresholdChoice,
    best_f1_threshold,
    choose_threshold,
    parse_criterion,
    sort_pairs,
)
from metrics.verification import verification_metrics

Pairs = list[tuple[float, bool]]

# Few distinct values make ties of margins and of F1; the free floats reach sparse and subnormal numbers.
labelled_margins = st.one_of(
    st.lists(st.tuples(st.integers(-4, 4).map(float), st.booleans()), min_size=1, max_size=30),
    st.lists(st.tuples(st.floats(-1e300, 1e300), st.booleans()), min_size=1, max_size=30),
).filter(lambda pairs: any(same for _, same in pairs))
PAIRS = st.lists(st.tuples(st.sampled_from([-2.0, -0.5, 0.0, 0.5, 3.0]), st.booleans()), min_size=1, max_size=12)
ratios = st.one_of(st.sampled_from([1.0, 0.5, 0.9, 1 / 3, 2 / 3, 0.1]), st.floats(1e-9, 1.0))


def exact_f1(pairs: list[tuple[float, bool]], threshold: float) -> Fraction:
    hits = sum(same for margin, same in pairs if margin > threshold)
    predicted = sum(margin > threshold for margin, _ in pairs)
    return Fraction(2 * hits, predicted + sum(same for _, same in pairs))


def arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([margin for margin, _ in pairs]), np.array([same for _, same in pairs])


@given(labelled_margins)
def test_no_threshold_has_a_higher_f1(pairs: list[tuple[float, bool]]) -> None:
    # Every decision that thresholds can make is made by -inf or by a margin as the threshold.
    best = max(exact_f1(pairs, threshold) for threshold in [-math.inf, *(margin for margin, _ in pairs)])

    choice = best_f1_threshold(*arrays(pairs))

    assert exact_f1(pairs, choice.threshold) == best
    assert choice.f1 == float(best)


@given(labelled_margins)
def test_of_equal_f1_the_highest_threshold_is_chosen(pairs: list[tuple[float, bool]]) -> None:
    choice = best_f1_threshold(*arrays(pairs))

    higher = [margin for margin, _ in pairs if margin > choice.threshold]
    assert all(exact_f1(pairs, margin) < exact_f1(pairs, choice.threshold) for margin in higher)


@given(labelled_margins)
def test_figures_are_those_of_the_threshold(pairs: list[tuple[float, bool]]) -> None:
    margins, same = arrays(pairs)

    choice = best_f1_threshold(margins, same)

    metrics = verification_metrics(margins, same, choice.threshold)
    assert (choice.f1, choice.precision, choice.recall) == (metrics.f1, metrics.precision, metrics.recall)
    assert math.isfinite(choice.threshold)


@given(labelled_margins, st.randoms())
def test_the_order_of_the_pairs_does_not_matter(pairs: list[tuple[float, bool]], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert best_f1_threshold(*arrays(shuffled)) == best_f1_threshold(*arrays(pairs))


def test_threshold_lies_midway_between_the_neighbouring_margins() -> None:
    choice = best_f1_threshold(np.array([3.0, 2.0, 1.0, -4.0]), np.array([True, True, False, False]))

    assert choice.threshold == 1.5
    assert (choice.f1, choice.precision, choice.recall) == (1.0, 1.0, 1.0)


def test_threshold_lies_one_below_the_smallest_margin_where_all_are_best_taken() -> None:
    choice = best_f1_threshold(np.array([3.0, 2.0, -1.0]), np.array([False, True, True]))

    assert choice.threshold == -2.0
    assert choice.recall == 1.0


def test_equal_margins_are_taken_or_left_together() -> None:
    margins = np.array([1.0, 1.0, 1.0, 0.0])
    same = np.array([True, False, False, False])

    choice = best_f1_threshold(margins, same)

    assert choice.threshold == 0.5
    assert choice.precision == 1 / 3


def test_neighbouring_floats_are_separated() -> None:
    lower = np.float64(1.0)
    for _ in range(4):  # both parities of the last bit, for midway rounds to even
        upper = np.nextafter(lower, 2.0)
        assert best_f1_threshold(np.array([lower, upper]), np.array([False, True])).f1 == 1.0
        lower = upper


@pytest.mark.parametrize("margin", [1e308, -1e308, 5e-324, -5e-324, 0.0])
def test_a_single_pair_is_taken_whatever_its_size(margin: float) -> None:
    choice = best_f1_threshold(np.array([margin]), np.array([True]))

    assert choice.f1 == 1.0
    assert math.isfinite(choice.threshold)


def test_midway_between_very_large_margins_does_not_overflow() -> None:
    choice = best_f1_threshold(np.array([1.6e308, 1.2e308]), np.array([True, False]))

    assert choice.threshold == pytest.approx(1.4e308)


def test_float32_margins_are_separated_as_well() -> None:
    margins = np.array([1.0, np.nextafter(np.float32(1.0), np.float32(2.0))], dtype=np.float32)

    assert best_f1_threshold(margins, np.array([False, True])).f1 == 1.0


def test_no_positive_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="No pair is labelled the same"):
        best_f1_threshold(np.array([1.0, 2.0]), np.array([False, False]))


def test_a_margin_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        best_f1_threshold(np.array([1.0, math.nan]), np.array([True, False]))


def test_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no pair"):
        best_f1_threshold(np.array([]), np.array([], dtype=np.bool_))


def cuts_of(pairs: list[tuple[float, bool]], multiplicity: list[int] | None = None) -> Cuts:
    margins, same = zip(*pairs, strict=True)
    counts = np.array(multiplicity) if multiplicity is not None else None
    return sort_pairs(np.array(margins), np.array(same)).cuts(counts)


@given(PAIRS.filter(lambda pairs: any(same for _, same in pairs)), st.data())
def test_each_threshold_takes_the_pairs_that_its_cut_counts(
    pairs: list[tuple[float, bool]], data: st.DataObject
) -> None:
    multiplicity = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    cuts = cuts_of(pairs, multiplicity)
    repeated = [pair for pair, count in zip(pairs, multiplicity, strict=True) for _ in range(count)]
    assert cuts.num_positives == sum(same for _, same in repeated)
    assert len(cuts.num_hits) == len({margin for margin, _ in pairs}) + 1
    for cut, (predicted, hits) in enumerate(zip(cuts.num_predicted, cuts.num_hits, strict=True)):
        taken = [same for margin, same in repeated if margin > cuts.threshold(cut)]
        assert (len(taken), sum(taken)) == (predicted, hits)


def test_thresholds_lie_midway_and_1_beyond_the_ends() -> None:
    cuts = cuts_of([(3.0, True), (1.0, False)])
    assert [cuts.threshold(cut) for cut in range(3)] == [4.0, 2.0, 0.0]


@pytest.mark.parametrize("margin", [1e300, -1e300, LARGEST])
def test_thresholds_separate_margins_between_which_floats_are_sparse(margin: float) -> None:
    below = math.nextafter(margin, -math.inf)
    cuts = cuts_of([(margin, True), (below, False)])
    assert not margin > cuts.threshold(0)
    assert margin > cuts.threshold(1) >= below
    assert below > cuts.threshold(2)


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
