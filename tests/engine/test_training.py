import itertools
import os
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from data.pair_sampler import pairs_at
from engine.options import OptimizerOptions
from engine.training import build_optimizer, seed_everything, training_order, use_deterministic_algorithms
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


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes: list[tuple[int, ...]] = [(3, 4), (5,), ()]
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_the_fused_optimizer_takes_the_steps_of_the_plain_one(
    name: str, kind: type[torch.optim.Adam], weight_decay: float
) -> None:
    options = OptimizerOptions.model_validate(
        {"name": name, "lr": 0.01, "weight_decay": weight_decay, "betas": (0.8, 0.99)}
    )
    ours, theirs = parameters(), parameters()
    optimizer = build_optimizer(options, ours)
    plain = kind(theirs, lr=0.01, weight_decay=weight_decay, betas=(0.8, 0.99), foreach=False, fused=False)
    generator = torch.Generator().manual_seed(1)
    for step in range(5):
        for first, second in zip(ours, theirs, strict=True):
            first.grad = torch.randn(first.shape, generator=generator)
            second.grad = first.grad.clone()
        optimizer.param_groups[0]["lr"] = 0.01 / (step + 1)
        plain.param_groups[0]["lr"] = 0.01 / (step + 1)
        optimizer.step()
        plain.step()
    for first, second, start in zip(ours, theirs, parameters(), strict=True):
        assert torch.allclose(first, second, rtol=1e-5, atol=1e-7)
        assert not torch.allclose(first, start)


def test_adam_and_adamw_differ_in_their_weight_decay() -> None:
    ends = []
    for name in ("adam", "adamw"):
        weights = parameters()
        optimizer = build_optimizer(
            OptimizerOptions.model_validate({"name": name, "lr": 0.1, "weight_decay": 0.5}), weights
        )
        weights[0].grad = torch.ones(3, 4)
        optimizer.step()
        ends.append(weights[0].detach())
    assert not torch.allclose(*ends)


def test_frozen_weights_are_left_out() -> None:
    weights = parameters()
    weights[1].requires_grad_(False)
    optimizer = build_optimizer(OptimizerOptions(), weights)
    assert [id(weight) for weight in optimizer.param_groups[0]["params"]] == [id(weights[0]), id(weights[2])]


def test_the_defaults_are_the_published_ones() -> None:
    group = build_optimizer(OptimizerOptions(), parameters()).param_groups[0]
    assert (group["lr"], group["weight_decay"], group["betas"]) == (2e-6, 1e-6, (0.9, 0.999))


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
