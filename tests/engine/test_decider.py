from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.item_pair import PairTable
from data.loading import Split, load_split
from engine import decider as deciding
from engine.decider import Blend, Decider, fit_decider
from engine.decision_rule import Decisions
from models.item_encoder import build_item_encoder
from tests.engine.conftest import MakeOptions


@pytest.fixture
def fitted(make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch) -> tuple[Decider, Split, np.ndarray]:
    """A decider of texts alone, the validation split that it was fitted to, and its margins."""
    monkeypatch.setattr("engine.boosted_trees.NUM_ROUNDS", 20)
    options = make_options("model.image_encoder=null")
    assert options.data.train is not None
    assert options.data.val is not None
    train, val = (
        load_split(files, options.data, options.reads, labelled=True)
        for files in (options.data.train, options.data.val)
    )
    assert val.pairs.same is not None
    margins = val.pairs.same + np.random.default_rng(0).normal(size=len(val.pairs))
    encoder = build_item_encoder(options.model, options.data.image)
    return fit_decider(encoder, train, val, margins, seed=0), val, margins


def test_log_odds_depend_neither_on_which_item_comes_first_nor_on_the_other_pairs(
    fitted: tuple[Decider, Split, np.ndarray],
) -> None:
    decider, val, margins = fitted
    source, target = val.pairs.source, val.pairs.target
    expected = decider.log_odds(val.items, val.pairs, margins)
    assert len({*expected.tolist()}) > 10
    swapped = decider.log_odds(val.items, PairTable(target, source, None), margins)
    assert swapped.tolist() == expected.tolist()
    rows = np.array([41, 3, 3, 17])
    some = decider.log_odds(val.items, PairTable(source[rows], target[rows], None), margins[rows])
    assert some.tolist() == expected[rows].tolist()
    assert decider.log_odds(val.items, PairTable(source[:0], target[:0], None), margins[:0]).shape == (0,)


def test_the_threshold_is_the_calibrated_log_odds_zero_or_the_given_number(
    fitted: tuple[Decider, Split, np.ndarray],
) -> None:
    decider, val, margins = fitted
    assert val.pairs.same is not None
    assert [decider.threshold(choice) for choice in ("learned", 2.5, "calibrated")] == [0.0, 2.5, decider.calibrated]
    log_odds = decider.log_odds(val.items, val.pairs, margins)

    def f1(threshold: float) -> float:
        positive = log_odds > threshold
        return float(2 * (positive & val.pairs.same).sum() / (positive.sum() + val.pairs.same.sum()))

    assert f1(decider.calibrated) == max(f1(threshold) for threshold in [*log_odds, log_odds.min() - 1])


def test_fitting_again_decides_the_same_and_gives_the_same_estimate(
    fitted: tuple[Decider, Split, np.ndarray], make_options: MakeOptions
) -> None:
    decider, val, margins = fitted
    options = make_options("model.image_encoder=null")
    assert options.data.train is not None
    train = load_split(options.data.train, options.data, options.reads, labelled=True)
    encoder = build_item_encoder(options.model, options.data.image)
    again = fit_decider(encoder, train, val, margins, seed=0)
    assert (
        again.log_odds(val.items, val.pairs, margins).tolist()
        == decider.log_odds(val.items, val.pairs, margins).tolist()
    )
    assert decider.estimated_f1 is not None
    assert 0.0 < decider.estimated_f1 <= 1.0
    assert again.estimated_f1 == decider.estimated_f1


def pairs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    same = rng.random(count) < 0.4
    return np.where(same, 1.0, -1.0) + rng.normal(size=count), same


@pytest.mark.parametrize("seed", range(5))
def test_neither_part_ever_counts_against_a_pair(seed: int) -> None:
    useful, same = pairs(200, seed)
    against = -useful
    noise = np.random.default_rng(seed + 100).normal(size=200)
    for other in (against, noise, np.zeros(200)):
        for parts in ((useful, other), (other, useful)):
            blend = Blend.fit(*parts, same)
            factors = (blend.of_trees, blend.of_margin)
            assert min(factors) >= 0.0
            assert factors[parts[0] is other] > 0.0
    blend = Blend.fit(useful, against, same)
    assert blend.of_margin == 0.0
    alone = Blend.fit(useful, np.zeros(200), same)
    assert (blend.intercept, blend.of_trees) == pytest.approx((alone.intercept, alone.of_trees), rel=1e-3)


def test_parts_that_both_speak_against_what_they_should_decide_nothing() -> None:
    useful, same = pairs(200, 0)
    blend = Blend.fit(-useful, -useful, same)
    assert (blend.of_trees, blend.of_margin) == (0.0, 0.0)
    assert np.isfinite(blend.intercept)


def test_a_blend_is_the_log_odds_of_scikit_learns_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    first, same = pairs(300, 1)
    second = 7 * (np.where(same, 1.0, -1.0) + np.random.default_rng(9).normal(size=300)) + 3
    parts = np.column_stack([first, second])
    standard = (parts - parts.mean(axis=0)) / parts.std(axis=0)
    expected = LogisticRegression(C=1.0).fit(standard, same).decision_function(standard)
    assert Blend.fit(first, second, same).log_odds(first, second) == pytest.approx(expected)


@pytest.mark.parametrize("clusters", [[0] * 20, [0] * 10 + [1] * 10])
def test_too_few_clusters_give_no_estimate(clusters: list[int]) -> None:
    same = np.array([True] * 10 + [False] * 10)
    parts = same + 0.0
    assert deciding._estimated_f1(parts, parts, same, np.array(clusters), 0) is None


def test_the_estimate_decides_each_pair_by_what_was_fitted_without_its_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    useful, same = pairs(100, 3)
    clusters = np.arange(100) // 4
    fit, asked = Blend.fit, list[set[int]]()
    numbers = useful.tolist()

    def watched(by_trees: np.ndarray, margins: np.ndarray, labels: np.ndarray) -> Blend:
        asked.append({int(clusters[numbers.index(number)]) for number in by_trees.tolist()})
        return fit(by_trees, margins, labels)

    monkeypatch.setattr(Blend, "fit", staticmethod(watched))
    found = deciding._estimated_f1(useful, useful, same, clusters, 0)
    assert found is not None
    assert 0.5 < found < 1.0
    left_out = [set(range(25)) - each for each in asked]
    assert sorted(cluster for each in left_out for cluster in each) == [*range(25)]
    assert [len(each) for each in left_out] == [5] * 5


NUMBERS = st.one_of(
    st.floats(-1e9, 1e9), st.sampled_from([0.0, 1.0, -1.0, 1e-300, -1e-300, 1e77, -1e77, 5e-324]), st.integers(-3, 3)
)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_the_threshold_of_the_margin_decides_as_the_value_does(rows: list[tuple[float, float, float]]) -> None:
    value, threshold, margin = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    decisions = Decisions(value, threshold, margin)
    assert np.isfinite(decisions.margin_threshold).all()
    assert (margin > decisions.margin_threshold).tolist() == decisions.same.tolist() == (value > threshold).tolist()


@pytest.mark.parametrize("threshold", [1.7976931348623157e308, -1.7976931348623157e308])
@pytest.mark.parametrize("margin", [0.0, 1e77, -1e77])
def test_the_largest_threshold_still_has_a_finite_one_of_the_margin(threshold: float, margin: float) -> None:
    decisions = Decisions(np.array([1e3, -1e3]), np.full(2, threshold), np.full(2, margin))
    assert np.isfinite(decisions.margin_threshold).all()
    assert (decisions.margin > decisions.margin_threshold).tolist() == decisions.same.tolist()


def test_decisions_by_the_margin_itself_keep_their_thresholds() -> None:
    margin, threshold = np.array([1.0, 2.0]), np.array([1.0, 1.5])
    assert Decisions(margin, threshold, margin).margin_threshold is threshold


def test_the_excess_over_the_threshold_is_kept_where_it_fits() -> None:
    decisions = Decisions(np.array([3.0, -3.0]), np.array([1.0, 1.0]), np.array([10.0, 10.0]))
    assert decisions.margin_threshold.tolist() == [8.0, 14.0]
    assert replace(decisions, value=decisions.threshold).same.tolist() == [False, False]
