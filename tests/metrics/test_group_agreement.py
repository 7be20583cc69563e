from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.group_agreement import group_agreement

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)


@given(LABELS)
def test_figures_are_those_of_counting_all_pairs(labels):
    found, truth = np.array(labels, np.int64).T
    pairs = list(combinations(range(len(labels)), 2))
    same_found = {pair for pair in pairs if found[pair[0]] == found[pair[1]]}
    same_truth = {pair for pair in pairs if truth[pair[0]] == truth[pair[1]]}
    figures = group_agreement(found, truth)
    right = len(same_found & same_truth)
    assert (figures.num_found_pairs, figures.num_true_pairs) == (len(same_found), len(same_truth))
    assert figures.precision == (right / len(same_found) if same_found else 0)
    assert figures.recall == (right / len(same_truth) if same_truth else 0)
    either = len(same_found) + len(same_truth)
    assert figures.f1 == pytest.approx(2 * right / either if either else 0)


def test_equal_groups_of_other_numbers_agree_wholly():
    figures = group_agreement(np.array([5, 5, 2, 2]), np.array([0, 0, 1, 1]))
    assert (figures.f1, figures.precision, figures.recall) == (1, 1, 1)
