from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.identical_groups import IdenticalGroup, group_agreement, group_numbers, identical_groups

Pairs = dict[tuple[int, int], float]


def groups_of(pairs: Pairs) -> list[IdenticalGroup]:
    source, target = np.array(list(pairs), np.int64).reshape(-1, 2).T
    return identical_groups(source, target, np.array(list(pairs.values()), np.float64))


@st.composite
def matching_pairs(draw) -> Pairs:
    """Pairs of up to 8 items with margins in eighths, so that sums are exact in any order."""
    possible = list(combinations(range(draw(st.integers(2, 8))), 2))
    pairs = draw(st.lists(st.sampled_from(possible), unique=True))
    return {pair: draw(st.integers(1, 80)) / 8 for pair in pairs}


def components(pairs: Pairs) -> list[set[int]]:
    """Grow sets of items until nothing changes."""
    parts = [{*pair} for pair in pairs]
    while True:
        for one, other in combinations(range(len(parts)), 2):
            if parts[one] & parts[other]:
                parts[one] |= parts.pop(other)
                break
        else:
            return parts


def split_component(items: set[int], pairs: Pairs) -> list[tuple[int, ...]]:
    """Do as the guard says, slowly: keep what matches the best item, and group the rest of the component again."""

    def margins(item: int) -> list[float]:
        return [
            pairs[min(item, other), max(item, other)]
            for other in items
            if (min(item, other), max(item, other)) in pairs
        ]

    best = max(sorted(items), key=lambda item: (len(margins(item)), sum(margins(item))))
    group = {best, *(other for other in items if (min(best, other), max(best, other)) in pairs)}
    rest = items - group
    inner = {pair: value for pair, value in pairs.items() if {*pair} <= rest}
    return [tuple(sorted(group)), *(part for found in components(inner) for part in split_component(found, inner))]


@given(matching_pairs())
def test_every_member_matches_the_medoid(pairs):
    for group in groups_of(pairs):
        assert group.medoid in group.members
        others = [member for member in group.members if member != group.medoid]
        assert others
        assert all((min(group.medoid, other), max(group.medoid, other)) in pairs for other in others)


@given(matching_pairs())
def test_groups_share_no_item(pairs):
    members = [member for group in groups_of(pairs) for member in group.members]
    assert len(members) == len(set(members))


@given(matching_pairs())
def test_groups_are_those_of_splitting_each_connected_component(pairs):
    expected = [group for part in components(pairs) for group in split_component(part, pairs)]
    assert [group.members for group in groups_of(pairs)] == sorted(expected)


@given(matching_pairs())
def test_no_two_items_that_are_left_over_match(pairs):
    grouped = {member for group in groups_of(pairs) for member in group.members}
    assert all({*pair} & grouped for pair in pairs)


@given(matching_pairs(), st.randoms())
def test_order_and_direction_of_the_pairs_change_nothing(pairs, random):
    turned = [((two, one) if random.random() < 0.5 else (one, two), value) for (one, two), value in pairs.items()]
    random.shuffle(turned)
    assert groups_of(dict(turned)) == groups_of(pairs)


def test_items_that_all_match_are_one_group_around_the_one_with_the_highest_margins():
    assert groups_of({(0, 1): 1.0, (0, 2): 5.0, (1, 2): 2.0}) == [IdenticalGroup(2, (0, 1, 2))]


def test_a_chain_is_cut_where_members_do_not_match_the_medoid():
    chain = {(0, 1): 1.0, (1, 2): 1.0, (2, 3): 1.0, (3, 4): 1.0, (4, 5): 1.0}
    assert [group.members for group in groups_of(chain)] == [(0, 1, 2), (3, 4, 5)]


def test_no_pairs_make_no_groups():
    assert groups_of({}) == []


def test_items_of_no_group_are_numbered_by_themselves():
    numbers = group_numbers([IdenticalGroup(1, (1, 3)), IdenticalGroup(0, (0, 4))], 6)
    assert numbers[[1, 3]].tolist() == [0, 0]
    assert numbers[[0, 4]].tolist() == [1, 1]
    assert len(set(numbers.tolist())) == 4


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
