import itertools
import os
from collections.abc import Iterator

import pytest
import torch

from engine.training import seed_everything, use_deterministic_algorithms
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


def drawn(*parts: int) -> float:
    seed_everything(*parts)
    return torch.rand(()).item()


def test_equal_parts_give_equal_numbers() -> None:
    assert drawn(3, 14, 0) == drawn(3, 14, 0)


def test_seed_step_and_rank_each_give_numbers_of_their_own() -> None:
    draws = [drawn(*parts) for parts in itertools.product(range(4), range(4), range(4))]
    assert len(set(draws)) == 64


@pytest.fixture
def _usual_algorithms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    benchmark = torch.backends.cudnn.benchmark
    mode = torch.get_deterministic_debug_mode()
    yield
    torch.set_deterministic_debug_mode(mode)
    torch.backends.cudnn.benchmark = benchmark


@pytest.mark.usefixtures("_usual_algorithms")
def test_what_cannot_be_deterministic_raises() -> None:
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    use_deterministic_algorithms()
    with pytest.raises(RuntimeError, match="deterministic"):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.usefixtures("_usual_algorithms")
def test_a_workspace_that_the_user_chose_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    use_deterministic_algorithms()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
