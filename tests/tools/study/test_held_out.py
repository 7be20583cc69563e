import numpy as np
import pytest

from metrics.bootstrap import Resampling, percentile_interval
from metrics.threshold import best_f1_threshold
from tools.study.held_out import Decided, HeldOut

NUM_PAIRS = 60


@pytest.fixture
def same() -> np.ndarray:
    return np.arange(NUM_PAIRS) % 3 == 0


def held_out(same: np.ndarray, seed: int, left_out: int = 0, noise: float = 0.5) -> HeldOut:
    rng = np.random.default_rng(seed)
    fold = rng.permutation(np.arange(len(same)) % 3)
    fold[:left_out] = -1
    margin = np.where(fold < 0, np.nan, same + noise * rng.standard_normal(len(same)))
    return HeldOut(margin, fold)


def test_a_folds_threshold_is_the_best_one_of_the_other_folds(same: np.ndarray) -> None:
    scores = held_out(same, 0)
    predicted = scores.predicted(same)
    for fold in range(3):
        inside = scores.fold == fold
        threshold = best_f1_threshold(scores.margin[~inside], same[~inside]).threshold
        assert np.array_equal(predicted[inside], scores.margin[inside] > threshold)


def test_the_labels_of_a_fold_do_not_choose_its_threshold(same: np.ndarray) -> None:
    scores = held_out(same, 0)
    inside = scores.fold == 1
    flipped = np.where(inside, ~same, same)
    assert np.array_equal(scores.predicted(same)[inside], scores.predicted(flipped)[inside])


def test_left_out_pairs_count_nothing_and_both_labels_keep_their_share(same: np.ndarray) -> None:
    weights = held_out(same, 0, left_out=20).weights(same)
    assert not weights[:20].any()
    for label in (True, False):
        assert weights[same == label].sum() == pytest.approx(100 * (same == label).sum(), rel=0.01)


def test_f1_is_that_of_weighted_counts(same: np.ndarray) -> None:
    seeds = [held_out(same, seed, left_out=10) for seed in (0, 1)]
    system = Decided.of_seeds("a", seeds, same, 0.0)
    expected = []
    for scores in seeds:
        weights, predicted = scores.weights(same), scores.predicted(same)
        hits = sum(w for w, p, y in zip(weights, predicted, same, strict=True) if p and y)
        wrong = sum(w for w, p, y in zip(weights, predicted, same, strict=True) if p != y)
        expected.append(2 * hits / (2 * hits + wrong))
    assert system.f1_by_seed().tolist() == pytest.approx(expected)


def test_intervals_hold_the_mean_and_differences_are_paired(same: np.ndarray) -> None:
    good, bad = (
        Decided.of_seeds("x", [held_out(same, s, noise=noise) for s in (0, 1)], same, 0.0) for noise in (0.4, 2.0)
    )
    resampling = Resampling(np.arange(NUM_PAIRS), 200)
    replicates = good.mean_f1_replicates(resampling)
    low, high = percentile_interval(replicates)
    assert low < good.f1_by_seed().mean() < high
    difference = percentile_interval(replicates - bad.mean_f1_replicates(resampling))
    assert difference.low > 0
    assert percentile_interval(replicates - good.mean_f1_replicates(resampling)) == (0.0, 0.0)


def test_right_decisions_are_counted_where_there_are_any(same: np.ndarray) -> None:
    system = Decided.of_seeds("a", [held_out(same, 0, left_out=10, noise=0.0)], same, 0.0)
    assert system.right_share(np.arange(NUM_PAIRS) < 30) == 1.0
    assert np.isnan(system.right_share(np.arange(NUM_PAIRS) < 10))
