"""The loop on a model of one weight, whose loss is the weight times the number that stands for a batch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from engine.options import Precision, TrainOptions
from engine.precision import OverflowFigures, gradient_scaler
from engine.train_loop import StepFigures, train
from engine.training import TrainState, first_state
from tests.engine.conftest import ALONE

TOO_LARGE = 1e38
"""Overflows once it is scaled, in the backward pass alone."""


@dataclass(frozen=True)
class Batch:
    number: float

    def to(self, device: torch.device) -> "Batch":
        return self


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, batch: Batch) -> SimpleNamespace:
        return SimpleNamespace(loss=self.weight * batch.number)


@dataclass(frozen=True)
class Course:
    state: TrainState
    weights: list[float]
    """After each step."""
    figures: list[StepFigures]


def options(num_steps: int, **changes: object) -> TrainOptions:
    tree = {
        "steps": num_steps,
        "precision": "float16",
        "schedule": {"name": "cosine_restarts", "periods": (num_steps,)},
        "optimizer": {"lr": 0.01},
    }
    return TrainOptions.model_validate({**tree, **changes})


def trained(numbers: Sequence[float], train_options: TrainOptions) -> Course:
    model = Model()
    state = first_state(model, train_options, ALONE.device)
    course = Course(state, [], [])

    def after_step(figures: StepFigures) -> None:
        course.weights.append(model.weight.item())
        course.figures.append(figures)

    train(state, model, map(Batch, numbers), train_options, 0, ALONE, after_step)
    return course


@pytest.mark.parametrize("overflowing", [TOO_LARGE, math.inf, math.nan])
def test_an_overflow_step_changes_no_weight_and_yet_counts_as_a_step(overflowing: float) -> None:
    course = trained([1, overflowing, 1, 1], options(4))
    assert course.weights[1] == course.weights[0]
    assert course.weights[2] != course.weights[1]
    assert course.state.step == 4
    assert course.state.overflow.read() == OverflowFigures(total=1, in_a_row=0, unlogged=1)
    given = options(4)
    rates = [given.schedule.learning_rate(given.optimizer.lr, step) for step in range(4)]
    assert [figures.learning_rate for figures in course.figures] == rates


def test_the_optimizer_goes_on_after_an_overflow_step_as_if_it_had_not_been() -> None:
    constant = {"schedule": {"name": "constant"}}
    with_overflow = trained([1, TOO_LARGE, 3, 2], options(4, **constant))
    without = trained([1, 3, 2], options(3, **constant))
    assert with_overflow.weights[-1] == without.weights[-1]


@pytest.mark.parametrize("overflowing", [TOO_LARGE, math.nan])
def test_the_losses_of_overflow_steps_are_left_out_of_the_sum(overflowing: float) -> None:
    course = trained([2, overflowing, 3], options(3))
    assert float(course.state.loss_sum) == pytest.approx(2 * 0.5 + 3 * course.weights[1])


def test_one_overflowing_batch_of_several_skips_the_whole_step() -> None:
    course = trained([1, TOO_LARGE, 1, 1], options(2, accumulate=2))
    assert course.weights[0] == 0.5
    assert float(course.state.loss_sum) == pytest.approx(0.5)
    assert course.state.overflow.read().total == 1


def test_overflow_halves_the_loss_scale_until_steps_succeed_again() -> None:
    first = gradient_scaler("float16", ALONE.device).get_scale()
    course = trained([TOO_LARGE, TOO_LARGE, 1], options(3))
    assert course.state.scaler.get_scale() == first / 4


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_without_a_scaler_the_first_step_that_is_not_finite_and_all_later_ones_change_nothing(
    precision: Precision, number: float
) -> None:
    course = trained([1, 2, number, 3, number, 1], options(6, precision=precision))
    assert course.state.guard.first_step() == 2
    assert course.weights[1] != course.weights[0]
    assert course.weights[1:] == [course.weights[1]] * 5
    assert course.state.overflow.read() == OverflowFigures()
    before = trained([1, 2], options(2, precision=precision)).state.optimizer.state_dict()["state"][0]
    after = course.state.optimizer.state_dict()["state"][0]
    assert all(torch.equal(before[key], after[key]) for key in ("step", "exp_avg", "exp_avg_sq"))


def test_the_guard_changes_no_bit_of_finite_training() -> None:
    given = options(4, precision="float32")
    weight = nn.Parameter(torch.tensor(0.5))
    optimizer = torch.optim.Adam([weight], lr=0.01, weight_decay=given.optimizer.weight_decay, fused=True)
    expected = []
    for step, number in enumerate((1, -2, 3, 1e-3)):
        optimizer.param_groups[0]["lr"] = given.schedule.learning_rate(given.optimizer.lr, step)
        optimizer.zero_grad()
        (weight * number).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        expected.append(weight.item())
    assert trained([1, -2, 3, 1e-3], given).weights == expected


def test_the_gradient_norm_is_that_before_clipping_and_without_the_loss_scale() -> None:
    norms: list[Tensor] = [figures.gradient_norm for figures in trained([3, 4], options(2, clip_norm=1.0)).figures]
    assert [float(norm) for norm in norms] == [3, 4]
