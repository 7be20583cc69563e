import numpy as np
import pytest

from metrics.category_thresholds import NO_CATEGORY, CategoryThresholds, cross_validate, shrunk_thresholds
from metrics.threshold import Criterion, choose_threshold

F1 = Criterion("f1")


def pairs_with_offsets(spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """1,200 pairs of six categories whose margins are shifted by an offset of their category."""
    rng = np.random.default_rng(seed)
    categories = rng.integers(0, 6, 1200)
    same = rng.random(1200) < 0.4
    return 2.0 * same + rng.normal(size=1200) + rng.normal(0, spread, 6)[categories], same, categories


def test_a_threshold_is_shrunk_by_the_number_of_its_pairs() -> None:
    margins, same, categories = pairs_with_offsets(1.0)
    found = shrunk_thresholds(margins, same, categories, F1, shrinkage=50.0)
    assert found is not None
    of_all = choose_threshold(margins, same, F1)
    assert of_all is not None
    assert found.threshold == of_all.threshold
    for category in range(6):
        rows = categories == category
        own = choose_threshold(margins[rows], same[rows], F1)
        assert own is not None
        expected = (50 * of_all.threshold + rows.sum() * own.threshold) / (50 + rows.sum())
        assert found.categories[category] == pytest.approx(expected)


def test_categories_of_one_label_and_pairs_of_no_category_have_no_threshold_of_their_own() -> None:
    margins = np.array([3.0, 2.0, 1.0, 0.0, 5.0, 4.0])
    same = np.array([True, True, True, False, True, False])
    categories = np.array([0, 0, 1, 1, NO_CATEGORY, NO_CATEGORY])
    found = shrunk_thresholds(margins, same, categories, F1)
    assert found is not None
    assert list(found.categories) == [1]


def test_a_category_that_cannot_meet_the_criterion_has_no_threshold_and_so_have_all_if_none_can() -> None:
    margins, same = np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, True, False, True])
    found = shrunk_thresholds(margins, same, np.array([0, 0, 1, 1]), Criterion("precision", 1.0))
    assert found is not None
    assert found.categories == {}
    assert shrunk_thresholds(margins, ~same, np.array([0, 0, 1, 1]), Criterion("precision", 1.0)) is None


def test_pairs_get_the_threshold_of_their_category_or_that_of_all() -> None:
    thresholds = CategoryThresholds(1.0, {0: 2.0, 3: -4.0})
    assert thresholds.of(np.array([3, NO_CATEGORY, 0, 1])).tolist() == [-4.0, 1.0, 2.0, 1.0]


@pytest.mark.parametrize("seed", range(3))
def test_thresholds_by_category_help_on_pairs_held_out_where_categories_differ(seed: int) -> None:
    found = cross_validate(*pairs_with_offsets(1.5, seed), np.arange(1200), F1, shrinkage=20.0, seed=seed)
    assert found.by_category > found.one_threshold + 0.02


def test_labels_that_margins_say_nothing_of_gain_nothing_on_pairs_held_out() -> None:
    # On the pairs that they are chosen on, thresholds of 100 categories of noise gain much.
    rng = np.random.default_rng(0)
    margins, same, categories = rng.normal(size=1200), rng.random(1200) < 0.5, rng.integers(0, 100, 1200)
    found = cross_validate(margins, same, categories, np.arange(1200), F1, shrinkage=0.1)
    chosen = shrunk_thresholds(margins, same, categories, F1, shrinkage=0.1)
    assert chosen is not None
    decided = margins > chosen.of(categories)
    assert 2 * (decided & same).sum() / (decided.sum() + same.sum()) > found.by_category + 0.03


def test_a_cluster_is_in_one_fold_and_every_pair_is_held_out_once() -> None:
    # Each cluster's margins tell its labels at a threshold that other clusters do not have.
    clusters = np.repeat(np.arange(10), 20)
    same = np.tile([True, False], 100)
    margins = np.where(same, 1.0, 0.0) + 10.0 * clusters
    found = cross_validate(margins, same, clusters, clusters, F1, shrinkage=1e-9)
    assert found.one_threshold == found.by_category < 0.99
    by_pair = cross_validate(margins, same, clusters, np.arange(200), F1, shrinkage=1e-9)
    assert by_pair.by_category == 1.0


def test_fewer_clusters_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="4 clusters of pairs are too few for 5 folds"):
        cross_validate(np.zeros(4), np.ones(4, np.bool_), np.zeros(4, np.int64), np.arange(4), F1)


def test_as_many_clusters_as_folds_are_held_out_one_by_one() -> None:
    # The five clusters' own thresholds differ; with one left out, its pairs are decided by that of the other four.
    clusters = np.repeat(np.arange(5), 4)
    same = np.tile([True, True, False, False], 5)
    margins = np.where(same, 1.0, 0.0) + 10.0 * clusters
    no_category = np.full(20, NO_CATEGORY)
    decided = np.zeros(20, np.bool_)
    for cluster in range(5):
        rest = clusters != cluster
        choice = choose_threshold(margins[rest], same[rest], F1)
        assert choice is not None
        decided[~rest] = margins[~rest] > choice.threshold
    expected = 2 * (decided & same).sum() / (decided.sum() + same.sum())
    assert cross_validate(margins, same, no_category, clusters, F1).one_threshold == pytest.approx(expected)
