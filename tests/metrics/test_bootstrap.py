import math
import time

import numpy as np
import pytest

from metrics.bootstrap import Resampling, difference_intervals, figure_intervals, threshold_interval
from metrics.clusters import pair_clusters
from metrics.threshold import Criterion, choose_threshold, parse_criterion
from metrics.verification import verification_metrics

F1 = Criterion("f1")


def some_pairs(num_pairs: int, num_clusters: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    same = rng.random(num_pairs) < 0.4
    margins = (same + rng.normal(size=num_pairs)).round(1)
    return (
        margins,
        same,
        np.concatenate([np.arange(num_clusters), rng.integers(0, num_clusters, num_pairs)])[:num_pairs],
    )


def drawn_rows(resampling: Resampling) -> list[np.ndarray]:
    """The rows of the pairs of each replicate, a row as often as its cluster was drawn."""
    return [np.repeat(np.arange(len(resampling.clusters)), draw[resampling.clusters]) for draw in resampling.draws()]


def ends(values: list[float]) -> list[float]:
    return [float(end) for end in np.quantile(values, [0.025, 0.975])]


def test_intervals_are_the_percentiles_of_figures_of_pairs_drawn_one_by_one() -> None:
    margins, same, clusters = some_pairs(120, 30)
    resampling = Resampling(clusters, num_replicates=50, seed=3)
    figures = [verification_metrics(margins[rows], same[rows], 0.4) for rows in drawn_rows(resampling)]

    intervals = figure_intervals(margins > 0.4, same, resampling)

    for name in ("f1", "precision", "recall"):
        assert list(getattr(intervals, name)) == pytest.approx(ends([getattr(figure, name) for figure in figures]))


def test_a_difference_is_that_of_both_systems_on_the_same_draws() -> None:
    margins, same, clusters = some_pairs(120, 30)
    other = some_pairs(120, 30, seed=1)[0]
    resampling = Resampling(clusters, num_replicates=50, seed=3)
    differences = [
        verification_metrics(margins[rows], same[rows], 0.4).recall
        - verification_metrics(other[rows], same[rows], 0.6).recall
        for rows in drawn_rows(resampling)
    ]

    found = difference_intervals(margins > 0.4, other > 0.6, same, resampling)

    assert list(found.recall) == pytest.approx(ends(differences))


@pytest.mark.parametrize("criterion", ["f1", "recall=0.8", "precision=0.6", "positives=40"])
def test_the_thresholds_are_those_chosen_on_the_drawn_pairs_up_to_the_margin_next_to_them(criterion: str) -> None:
    margins, same, clusters = some_pairs(120, 30)
    resampling = Resampling(clusters, num_replicates=40, seed=2)
    chosen = [
        choose_threshold(margins[rows], same[rows], parse_criterion(criterion)) for rows in drawn_rows(resampling)
    ]

    found = threshold_interval(margins, same, parse_criterion(criterion), resampling)

    # Midway between margins of all pairs, where the slow way takes those of the drawn pairs; they are 0.1 apart.
    assert list(found) == pytest.approx(ends([choice.threshold for choice in chosen if choice is not None]), abs=0.2)


def mean_f1(predicted: np.ndarray, same: np.ndarray, rows: np.ndarray, runs: np.ndarray) -> float:
    """The mean F1 of runs, counted one by one on rows that may occur several times."""
    return sum(verification_metrics(predicted[run][rows] * 1.0, same[rows], 0.5).f1 for run in runs) / len(runs)


def drawn_runs(resampling: Resampling, num_runs: int, system: int) -> list[np.ndarray]:
    """The runs of each replicate, one less than there are, a run as often as it was drawn."""
    return [
        np.repeat(np.arange(num_runs), np.rint(shares * (num_runs - 1)).astype(int))
        for shares in resampling.run_weights(num_runs, system)
    ]


def test_intervals_over_runs_are_those_of_pairs_and_runs_drawn_one_by_one() -> None:
    _, same, clusters = some_pairs(120, 30)
    system = np.stack([some_pairs(120, 30, seed)[0] > 0.4 for seed in range(3)])
    reference = np.stack([some_pairs(120, 30, seed)[0] > 0.5 for seed in range(10, 14)])
    resampling = Resampling(clusters, num_replicates=60, seed=3)
    rows = drawn_rows(resampling)
    found, others = (
        [
            mean_f1(predicted, same, *drawn)
            for drawn in zip(rows, drawn_runs(resampling, len(predicted), n), strict=True)
        ]
        for n, predicted in ((0, system), (1, reference))
    )

    assert list(figure_intervals(system, same, resampling).f1) == pytest.approx(ends(found))
    differences = [value - other for value, other in zip(found, others, strict=True)]
    assert list(difference_intervals(system, reference, same, resampling).f1) == pytest.approx(ends(differences))


def test_the_drawn_runs_vary_as_the_mean_of_the_runs_does_and_apart_from_those_of_another_system() -> None:
    values = np.array([0.3, 0.9, 0.4, 0.6])
    resampling = Resampling(np.arange(2), num_replicates=40_000)
    means, others = (resampling.run_weights(4, system) @ values for system in (0, 1))
    assert means.mean() == pytest.approx(values.mean(), abs=0.003)
    assert means.var() == pytest.approx(values.var(ddof=1) / 4, rel=0.03)
    assert abs(np.corrcoef(means, others)[0, 1]) < 0.02


def test_one_run_among_several_dimensions_is_a_run_alone() -> None:
    margins, same, clusters = some_pairs(100, 20)
    resampling = Resampling(clusters, 100)
    assert figure_intervals((margins > 0)[None], same, resampling) == figure_intervals(margins > 0, same, resampling)
    assert (resampling.run_weights(1, 0) == 1).all()


def test_a_system_does_not_differ_from_itself() -> None:
    margins, same, clusters = some_pairs(100, 20)
    found = difference_intervals(margins > 0, margins > 0, same, Resampling(clusters, 100))
    assert all(tuple(interval) == (0.0, 0.0) for interval in found)


def test_a_seed_settles_the_draws() -> None:
    margins, same, clusters = some_pairs(100, 20)
    found = [figure_intervals(margins > 0, same, Resampling(clusters, 100, seed)) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_pairs_of_one_cluster_have_no_interval() -> None:
    with pytest.raises(ValueError, match="All pairs are one cluster"):
        Resampling(np.zeros(5, np.int64))


# Coverage: margins with an effect of each item, whose figures in the long run are known.
ITEM_SPREAD, PAIR_SPREAD, RATE, THRESHOLD = 1.0, 0.7, 0.35, 0.2


def draw_pairs(rng: np.random.Generator, num_pairs: int, num_items: int, group: int) -> tuple[np.ndarray, ...]:
    """Items, margins and labels of pairs within groups of items, or anywhere if the group has all items."""
    source = rng.integers(0, num_items, num_pairs)
    target = source // group * group + (source % group + rng.integers(1, group, num_pairs)) % group
    same = rng.random(num_pairs) < RATE
    effect = rng.normal(0, ITEM_SPREAD, num_items + group)
    margins = np.where(same, 1.0, -1.0) + effect[source] + effect[target] + rng.normal(0, PAIR_SPREAD, num_pairs)
    return source, target, margins, same


def figures_in_the_long_run() -> tuple[float, float, float]:
    spread = math.sqrt(2 * (2 * ITEM_SPREAD**2 + PAIR_SPREAD**2))
    hits = RATE * math.erfc((THRESHOLD - 1) / spread) / 2
    predicted = hits + (1 - RATE) * math.erfc((THRESHOLD + 1) / spread) / 2
    return 2 * hits / (predicted + RATE), hits / predicted, hits / RATE


@pytest.mark.parametrize(("num_items", "group"), [(1002, 6), (1080, 1080)], ids=["small components", "a giant one"])
def test_intervals_cover_the_figures_in_the_long_run(num_items: int, group: int) -> None:
    expected = figures_in_the_long_run()
    covered = np.zeros(3)
    by_pairs = np.zeros(3)
    for number in range(500):
        source, target, margins, same = draw_pairs(np.random.default_rng(number), 1000, num_items, group)
        clustered = Resampling(pair_clusters(source, target), 200, number)
        for count, resampling in ((covered, clustered), (by_pairs, Resampling(np.arange(1000), 100, number))):
            if resampling is clustered or number < 100:
                intervals = figure_intervals(margins > THRESHOLD, same, resampling)
                count += [low <= value <= high for (low, high), value in zip(intervals, expected, strict=True)]
    assert ((covered / 500 >= 0.92) & (covered / 500 <= 0.98)).all(), covered / 500
    assert (by_pairs / 100).min() < 0.92, "pairs drawn one by one cover less, or this test shows nothing"


def test_the_difference_of_two_systems_that_are_equally_good_covers_zero() -> None:
    covered = np.zeros(3)
    for number in range(500):
        rng = np.random.default_rng(number)
        source, target, margins, same = draw_pairs(rng, 1000, 1002, 6)
        first, second = (margins + rng.normal(0, 0.5, 1000) for _ in range(2))
        resampling = Resampling(pair_clusters(source, target), 100, number)
        intervals = difference_intervals(first > THRESHOLD, second > THRESHOLD, same, resampling)
        covered += [low <= 0 <= high for low, high in intervals]
    assert ((covered / 500 >= 0.92) & (covered / 500 <= 0.98)).all(), covered / 500


def test_the_difference_of_two_systems_whose_runs_vary_covers_zero_only_where_there_are_several_runs() -> None:
    covered, by_one_run = 0, 0
    for number in range(100):
        rng = np.random.default_rng(number)
        source, target, margins, same = draw_pairs(rng, 1000, 1002, 6)
        first, second = (
            margins + rng.normal(0, 0.5, (3, 1)) + rng.normal(0, 0.5, (3, 1000)) > THRESHOLD for _ in range(2)
        )
        resampling = Resampling(pair_clusters(source, target), 100, number)
        low, high = difference_intervals(first, second, same, resampling).f1
        covered += low <= 0 <= high
        low, high = difference_intervals(first[0], second[0], same, resampling).f1
        by_one_run += low <= 0 <= high
    assert covered / 100 >= 0.92
    assert by_one_run / 100 < 0.85


def test_the_threshold_in_the_long_run_is_covered() -> None:
    # The precision of equal taken and true positives, where the criterion has no peak that is flat.
    criterion = Criterion("recall", 0.8)
    spread = math.sqrt(2 * ITEM_SPREAD**2 + PAIR_SPREAD**2)
    expected = 1 - 0.8416212335729143 * spread  # the quantile 0.8 of the normal distribution
    covered = 0
    for number in range(500):
        source, target, margins, same = draw_pairs(np.random.default_rng(number), 500, 1002, 6)
        low, high = threshold_interval(margins, same, criterion, Resampling(pair_clusters(source, target), 100, number))
        covered += low <= expected <= high
    assert 0.92 <= covered / 500 <= 0.98


def test_a_thousand_replicates_of_twenty_thousand_pairs_take_seconds() -> None:
    source, target, margins, same = draw_pairs(np.random.default_rng(0), 20_000, 21_000, 21_000)
    started = time.process_time()
    resampling = Resampling(pair_clusters(source, target), 1000)
    figure_intervals(margins > 0, same, resampling)
    threshold_interval(margins, same, F1, resampling)
    assert time.process_time() - started < 15
