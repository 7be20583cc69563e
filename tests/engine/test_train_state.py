import torch

from tests.engine.conftest import MakeOptions, fresh_state, take_steps, train_batch


def test_a_state_begins_before_the_first_step_without_an_evaluation(make_options: MakeOptions) -> None:
    state = fresh_state(make_options())
    assert state.step == 0
    assert state.evaluation is None
    assert state.loss_sum.item() == 0.0


def test_any_first_evaluation_is_the_best(make_options: MakeOptions) -> None:
    assert fresh_state(make_options()).best_f1 < 0.0


def test_the_losses_of_many_steps_are_summed_in_float64(make_options: MakeOptions) -> None:
    options = make_options()
    state = fresh_state(options)
    take_steps(state, train_batch(options, 0, 1))
    assert state.loss_sum.dtype == torch.float64
    assert state.loss_sum.item() > 0
