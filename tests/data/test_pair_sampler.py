from collections.abc import Iterable
from itertools import chain
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.pair_sampler import LabelShares, TrainingOrder, encoding_batches, pair_order, pairs_at, share

Element = TypeVar("Element")


def order(
    num_pairs: int, batch_size: int, accumulate: int = 1, rank: int = 0, num_processes: int = 1, seed: int = 0,
    first_step: int = 0, last_step: int = 8,
) -> TrainingOrder:  # fmt: skip
    return TrainingOrder(seed, num_pairs, batch_size, accumulate, rank, num_processes, first_step, last_step)


def flat(lists: Iterable[list[Element]]) -> list[Element]:
    return list(chain.from_iterable(lists))


def pairs_of_steps(batches: list[list[int]], accumulate: int) -> list[list[int]]:
    return [sorted(flat(batches[i : i + accumulate])) for i in range(0, len(batches), accumulate)]


@given(
    num_pairs=st.integers(1, 40),
    batch_size=st.integers(1, 6),
    accumulate=st.integers(1, 4),
    num_processes=st.integers(1, 4),
    seed=st.integers(0, 3),
)
@settings(deadline=None, max_examples=60)
def test_every_step_takes_the_same_pairs_however_they_are_split(
    num_pairs: int, batch_size: int, accumulate: int, num_processes: int, seed: int
) -> None:
    alone = list(order(num_pairs, batch_size * accumulate * num_processes, seed=seed))
    ranks = [list(order(num_pairs, batch_size, accumulate, rank, num_processes, seed)) for rank in range(num_processes)]
    assert all(len(batch) == batch_size for batches in ranks for batch in batches)
    together = [flat(micro) for micro in zip(*ranks, strict=True)]
    assert pairs_of_steps(together, accumulate) == [sorted(batch) for batch in alone]


@given(
    num_pairs=st.integers(1, 30), batch_size=st.integers(1, 7), accumulate=st.integers(1, 3), first=st.integers(0, 8)
)
@settings(deadline=None, max_examples=40)
def test_a_run_that_goes_on_takes_the_batches_that_were_left(
    num_pairs: int, batch_size: int, accumulate: int, first: int
) -> None:
    whole = order(num_pairs, batch_size, accumulate)
    rest = order(num_pairs, batch_size, accumulate, first_step=first)
    assert list(rest) == list(whole)[first * accumulate :]
    assert len(rest) == len(list(rest))


@pytest.mark.parametrize(("num_pairs", "batch_size"), [(10, 3), (3, 10), (1, 5), (12, 4)])
def test_every_epoch_takes_every_pair_exactly_once(num_pairs: int, batch_size: int) -> None:
    sequence = flat(order(num_pairs, batch_size, last_step=num_pairs))
    assert len(sequence) == batch_size * num_pairs
    for first in range(0, len(sequence), num_pairs):
        assert sorted(sequence[first : first + num_pairs]) == list(range(num_pairs))


def test_epochs_and_seeds_have_orders_of_their_own_and_equal_ones_repeat() -> None:
    orders = [pair_order(seed, epoch, 50).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(o) for o in orders}) == 4
    assert pair_order(1, 1, 50).tolist() == orders[3]


def test_positions_run_on_into_the_next_epoch() -> None:
    expected = [pair_order(7, position // 5, 5)[position % 5] for position in range(3, 17)]
    assert pairs_at(7, 3, 14, 5).tolist() == expected


@pytest.mark.parametrize(("num_items", "batch_size", "num_processes"), [(23, 4, 1), (23, 4, 3), (2, 8, 4), (16, 4, 2)])
def test_every_item_is_encoded_once_by_one_process(num_items: int, batch_size: int, num_processes: int) -> None:
    lengths = np.random.default_rng(0).integers(0, 9, num_items)
    batches = encoding_batches(lengths, batch_size)
    assert sorted(flat(batches)) == list(range(num_items))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    in_order = lengths[flat(batches)]
    assert (np.diff(in_order) <= 0).all(), "the longest come first"
    shares = [share(batches, rank, num_processes) for rank in range(num_processes)]
    # Batches are cut before they are dealt, so what an item is encoded with does not depend on the processes.
    assert sorted(flat(shares)) == sorted(batches)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(share=st.integers(1, 5), num_processes=st.integers(1, 3), accumulate=st.integers(1, 2), seed=st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_batches_of_wanted_shares_take_the_pairs_of_each_label_in_turn_on_any_number_of_processes(
    share: int, num_processes: int, accumulate: int, seed: int
) -> None:
    same = np.arange(50) % 10 == 0
    shares = LabelShares(np.flatnonzero(same), np.flatnonzero(~same), share)
    batches = [
        [*TrainingOrder(seed, 50, 6, accumulate, rank, num_processes, 0, 12, shares)] for rank in range(num_processes)
    ]
    assert all(same[batch].sum() == share and len(batch) == 6 for own in batches for batch in own)
    in_turn = flat(flat(step) for step in zip(*batches, strict=True))
    for label, count in ((True, 5), (False, 45)):
        of_label = [pair for pair in in_turn if same[pair] == label]
        for first in range(0, len(of_label) - count + 1, count):
            assert len({*of_label[first : first + count]}) == count, "each pair once an epoch"
    resumed = [*TrainingOrder(seed, 50, 6, accumulate, 0, num_processes, 5, 12, shares)]
    assert resumed == batches[0][5 * accumulate :]
