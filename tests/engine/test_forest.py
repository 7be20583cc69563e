import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from engine.forest import FEWEST_A_LEAF, NO_CHILD, SHARE_TRIED, Forest


def pairs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 7)).astype(np.float32)
    return features, features[:, 0] + features[:, 3] + rng.normal(size=count) > 0


TRAINED_ON, SAME = pairs(200, 0)
OTHERS, _ = pairs(500, 1)
FOREST = Forest.fit(TRAINED_ON, SAME, 20, 3)


def test_probabilities_are_exactly_those_of_scikit_learn() -> None:
    reference = ExtraTreesClassifier(20, min_samples_leaf=FEWEST_A_LEAF, max_features=SHARE_TRIED, random_state=3).fit(
        TRAINED_ON, SAME
    )
    # The trees of scikit-learn are added one after another, in threads, and so rounded otherwise.
    of_trees = np.mean([tree.predict_proba(OTHERS)[:, 1] for tree in reference.estimators_], axis=0)
    assert FOREST.probability(OTHERS) == pytest.approx(of_trees, rel=1e-14)
    assert FOREST.probability(OTHERS) == pytest.approx(reference.predict_proba(OTHERS)[:, 1], rel=1e-14)
    for number, tree in enumerate(reference.estimators_):
        alone = Forest.fit(TRAINED_ON, SAME, 20, 3).arrays() | {"root": FOREST.root[number : number + 1]}
        assert Forest.of(alone).probability(OTHERS).tolist() == tree.predict_proba(OTHERS)[:, 1].tolist()


def test_a_number_equal_to_a_limit_goes_left_and_one_beyond_right() -> None:
    forest = Forest(
        root=np.array([0]), feature=np.array([0, 0, 0]), limit=np.array([0.5, 0, 0]), left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]), share=np.array([0.5, 0.25, 0.75]),
    )  # fmt: skip
    just_beyond = np.nextafter(np.float32(0.5), np.float32(1))
    assert forest.probability(np.array([[0.5], [just_beyond]], np.float32)).tolist() == [0.25, 0.75]


def test_a_forest_is_read_from_its_arrays_and_refuses_to_be_without_one() -> None:
    arrays = dict(FOREST.arrays())
    assert np.array_equal(Forest.of(arrays).probability(OTHERS), FOREST.probability(OTHERS))
    for name in arrays:
        with pytest.raises(KeyError, match=name):
            Forest.of({key: array for key, array in arrays.items() if key != name})


def test_a_seed_decides_and_another_grows_other_trees() -> None:
    again, other = Forest.fit(TRAINED_ON, SAME, 20, 3), Forest.fit(TRAINED_ON, SAME, 20, 4)
    assert all(np.array_equal(array, again.arrays()[name]) for name, array in FOREST.arrays().items())
    assert not np.array_equal(FOREST.probability(OTHERS), other.probability(OTHERS))


def test_leaves_hold_two_training_pairs_at_least_and_no_pairs_are_no_probabilities() -> None:
    assert (FOREST.left == NO_CHILD).tolist() == (FOREST.right == NO_CHILD).tolist()
    shares = {tuple(row) for row in FOREST.share[FOREST.left == NO_CHILD][:, None].tolist()}
    assert all(0.0 <= share <= 1.0 for (share,) in shares)
    assert FOREST.probability(np.empty((0, 7), np.float32)).shape == (0,)
    assert Forest.fit(TRAINED_ON[:3], np.array([True, False, True]), 5, 0).root.tolist() == [0, 1, 2, 3, 4]
