import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from engine.boosted_trees import LEARNING_RATE, NUM_BAGS, NUM_ROUNDS, SHARE_TRIED, BoostedTrees


def pairs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 7)).astype(np.float32)
    features[:, 5] = 1.0
    return features, features[:, 0] + features[:, 3] + rng.normal(size=count) > 0


TRAINED_ON, SAME = pairs(300, 0)
OTHERS, _ = pairs(500, 1)
TREES = BoostedTrees.fit(TRAINED_ON, SAME, 3)


def test_log_odds_are_the_mean_of_those_of_scikit_learn() -> None:
    of_bags = [
        HistGradientBoostingClassifier(
            max_iter=NUM_ROUNDS,
            learning_rate=LEARNING_RATE,
            max_features=SHARE_TRIED,
            early_stopping=False,
            random_state=3 * NUM_BAGS + bag,
        )
        .fit(TRAINED_ON, SAME)
        .decision_function(OTHERS)
        for bag in range(NUM_BAGS)
    ]
    assert TREES.log_odds(OTHERS) == pytest.approx(np.mean(of_bags, axis=0), abs=1e-12)
    assert len({*TREES.log_odds(OTHERS).tolist()}) > 400


def test_a_number_equal_to_a_limit_goes_left_and_one_beyond_right() -> None:
    trees = BoostedTrees(
        root=np.array([0]), feature=np.array([0, 0, 0]), limit=np.array([0.5, 0, 0]), left=np.array([1, 1, 2]),
        right=np.array([2, 1, 2]), value=np.array([0.0, 0.25, 0.75]), prior=np.array([-1.0]),
    )  # fmt: skip
    just_beyond = np.nextafter(np.float32(0.5), np.float32(1))
    assert trees.log_odds(np.array([[0.5], [just_beyond]], np.float32)).tolist() == [-0.75, -0.25]


def test_trees_are_read_from_their_arrays_and_refuse_to_be_without_one() -> None:
    arrays = dict(TREES.arrays())
    assert np.array_equal(BoostedTrees.of(arrays).log_odds(OTHERS), TREES.log_odds(OTHERS))
    for name in arrays:
        with pytest.raises(KeyError, match=name):
            BoostedTrees.of({key: array for key, array in arrays.items() if key != name})


def test_a_seed_decides_and_another_grows_other_trees() -> None:
    again, other = BoostedTrees.fit(TRAINED_ON, SAME, 3), BoostedTrees.fit(TRAINED_ON, SAME, 4)
    assert all(np.array_equal(array, again.arrays()[name]) for name, array in TREES.arrays().items())
    assert not np.array_equal(TREES.log_odds(OTHERS), other.log_odds(OTHERS))


def test_any_number_of_pairs_is_decided_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TREES.log_odds(OTHERS)
    monkeypatch.setattr("engine.boosted_trees.PAIRS_AT_ONCE", 7)
    assert TREES.log_odds(OTHERS).tolist() == whole.tolist()
    assert TREES.log_odds(OTHERS[:0]).shape == (0,)
