from collections.abc import Iterator

import numpy as np
import pytest

from data.length_runs import TOKENS_A_CALL, length_runs


def cuts(num_texts: int) -> Iterator[list[int]]:
    """All ways of cutting texts into runs, by the row after each run."""
    for bits in range(2 ** (num_texts - 1)):
        yield [end for end in range(1, num_texts) if bits >> (end - 1) & 1] + [num_texts]


def cost(lengths: list[int], ends: list[int]) -> int:
    starts = [0, *ends[:-1]]
    return sum((end - start) * max(lengths[start:end]) + TOKENS_A_CALL for start, end in zip(starts, ends, strict=True))


@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_no_other_cut_costs_less(seed: int, is_sorted: bool) -> None:
    random = np.random.default_rng(seed)
    lengths = random.geometric(random.choice([0.02, 0.005]), 9)
    if is_sorted:
        lengths.sort()
    runs = length_runs(lengths)
    found = cost(lengths.tolist(), runs[:, 0].tolist())
    assert found == min(cost(lengths.tolist(), ends) for ends in cuts(9))


def test_a_run_states_its_longest_text() -> None:
    lengths = np.array([900, 3, 4, 5, 800, 790])
    assert length_runs(lengths).tolist() == [[1, 900], [4, 5], [6, 800]]


@pytest.mark.parametrize(("lengths", "expected"), [([], []), ([7], [[1, 7]]), ([9] * 40, [[40, 9]])])
def test_texts_of_one_length_are_one_run(lengths: list[int], expected: list[list[int]]) -> None:
    assert length_runs(np.array(lengths, np.int64)).tolist() == expected
