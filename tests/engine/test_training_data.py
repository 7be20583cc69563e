import pytest

from data.pair_sampler import pairs_at
from engine.training_data import training_order
from tests.engine.conftest import MakeOptions

NUM_PAIRS = 11


@pytest.mark.parametrize(("processes", "accumulate"), [(1, 1), (1, 3), (2, 1), (3, 2)])
def test_a_step_of_all_processes_takes_the_next_pairs_of_the_seeds_sequence(
    make_options: MakeOptions, processes: int, accumulate: int
) -> None:
    options = make_options("seed=5", "train.batch_size=2", f"train.accumulate={accumulate}", "train.steps=4")
    orders = [[*training_order(options, NUM_PAIRS, rank, processes, 0)] for rank in range(processes)]
    per_step = 2 * processes * accumulate
    for step in range(4):
        taken = [
            pair for order in orders for batch in order[step * accumulate : (step + 1) * accumulate] for pair in batch
        ]
        assert sorted(taken) == sorted(pairs_at(5, step * per_step, per_step, NUM_PAIRS).tolist())


def test_from_a_step_on_it_is_the_rest_of_the_whole_order(make_options: MakeOptions) -> None:
    options = make_options("train.batch_size=2", "train.accumulate=2", "train.steps=6")
    whole = [*training_order(options, NUM_PAIRS, 1, 2, 0)]
    assert [*training_order(options, NUM_PAIRS, 1, 2, 4)] == whole[8:]
    assert len(whole) == 12
