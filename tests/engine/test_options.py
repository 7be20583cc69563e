import math

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, MultiStepLR

from engine.options import (
    AnyScheduleOptions,
    ConstantOptions,
    CosineRestartsOptions,
    MultiStepRestartsOptions,
    PredictOptions,
    ScheduleOptions,
)

schedule: TypeAdapter[ScheduleOptions] = TypeAdapter(AnyScheduleOptions)


def test_one_period_needs_no_restart_weights() -> None:
    schedule.validate_python({"name": "cosine_restarts", "periods": (100,)})


def test_milestones_need_no_restarts() -> None:
    schedule.validate_python({"name": "multi_step_restarts", "milestones": (10, 20, 20)})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            {"name": "cosine_restarts", "periods": (5, 5)},
            "one number for each of the 2 periods, it has 1",
        ),
        (
            {"name": "multi_step_restarts", "milestones": (3,), "restarts": (5,)},
            "one number for each of the 1 restarts, it has 0",
        ),
        (
            {"name": "multi_step_restarts", "milestones": (3,), "restart_weights": (1.0,)},
            "one number for each of the 0 restarts, it has 1",
        ),
        (
            {
                "name": "multi_step_restarts",
                "milestones": (3,),
                "restarts": (9, 5),
                "restart_weights": (1.0, 1.0),
            },
            r"restarts must ascend, each step once, but are \[9, 5\]",
        ),
        (
            {
                "name": "multi_step_restarts",
                "milestones": (3,),
                "restarts": (5, 5),
                "restart_weights": (1.0, 0.5),
            },
            r"restarts must ascend, each step once, but are \[5, 5\]",
        ),
    ],
)
def test_schedules_that_contradict_themselves_are_refused(fault: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        schedule.validate_python(fault)


def test_an_empty_output_is_no_file() -> None:
    with pytest.raises(ValidationError, match="should be a path, not empty text"):
        PredictOptions.model_validate_json('{"output": ""}')


BASE = 2e-6


def cosine(
    periods: tuple[int, ...],
    weights: tuple[float, ...] = (1.0,),
    min_lr: float = 1e-7,
    warmup_steps: int = 0,
) -> CosineRestartsOptions:
    return CosineRestartsOptions(
        name="cosine_restarts",
        periods=periods,
        restart_weights=weights,
        min_lr=min_lr,
        warmup_steps=warmup_steps,
    )


def multi_step(
    milestones: tuple[int, ...],
    restarts: tuple[int, ...] = (),
    weights: tuple[float, ...] = (),
    gamma: float = 0.5,
) -> MultiStepRestartsOptions:
    return MultiStepRestartsOptions(
        name="multi_step_restarts",
        milestones=milestones,
        gamma=gamma,
        restarts=restarts,
        restart_weights=weights,
    )


def rates(options: AnyScheduleOptions, num_steps: int) -> list[float]:
    return [options.learning_rate(BASE, step) for step in range(num_steps)]


def torch_rates(scheduler: LRScheduler, num_steps: int) -> list[float]:
    """The rates at which a loop steps that advances the scheduler after each optimizer step."""
    used = []
    for _ in range(num_steps):
        used.append(float(scheduler.get_last_lr()[0]))
        scheduler.optimizer.step()
        scheduler.step()
    return used


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)


def slow_cosine_restarts(options: CosineRestartsOptions, num_steps: int) -> list[float]:
    """Walk through the steps, and into the next period one step after the end of the last."""
    used, index, elapsed = [], 0, 0
    for _ in range(num_steps):
        period = options.periods[index]
        height = options.restart_weights[index] * (BASE - options.min_lr) / 2
        used.append(options.min_lr + height * (1 + math.cos(math.pi * elapsed / period)))
        if elapsed < period:
            elapsed += 1
        elif index + 1 < len(options.periods):
            index, elapsed = index + 1, 1
    return used


def slow_multi_step_restarts(options: MultiStepRestartsOptions, num_steps: int) -> list[float]:
    """Walk through the steps and change the rate where a milestone or a restart says so."""
    used, rate = [], BASE
    weights = dict(zip(options.restarts, options.restart_weights, strict=True))
    for step in range(num_steps):
        if step in weights:
            rate = BASE * weights[step]
        else:
            rate *= options.gamma ** options.milestones.count(step)
        used.append(rate)
    return used


def test_constant_stays_at_the_base() -> None:
    assert rates(ConstantOptions(name="constant"), 20) == torch_rates(ConstantLR(optimizer(), factor=1.0), 20)


def test_one_cosine_period_is_that_of_torch() -> None:
    expected = torch_rates(CosineAnnealingLR(optimizer(), T_max=40, eta_min=1e-7), 41)

    assert rates(cosine((40,)), 41) == pytest.approx(expected, rel=1e-9)


def test_milestones_are_those_of_torch() -> None:
    expected = torch_rates(MultiStepLR(optimizer(), milestones=[3, 7, 7, 12], gamma=0.3), 20)

    assert rates(multi_step((3, 7, 7, 12), gamma=0.3), 20) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        cosine((10,)),
        cosine((4, 7, 1, 3), weights=(1.0, 0.5, 2.0, 0.25)),
        cosine((1, 1, 1), weights=(1.0, 1.0, 1.0), min_lr=0.0),
    ],
)
def test_cosine_restarts_agree_with_a_walk_through_the_steps(options: CosineRestartsOptions) -> None:
    assert rates(options, 25) == pytest.approx(slow_cosine_restarts(options, 25), rel=1e-12, abs=1e-20)


@pytest.mark.parametrize(
    "options",
    [
        multi_step((), restarts=(5,), weights=(0.5,)),
        multi_step((2, 4, 4, 9, 13), restarts=(6, 12), weights=(0.8, 0.4)),
        multi_step((6, 12, 7), restarts=(6, 12), weights=(1.0, 2.0)),
        multi_step((1, 2, 3)),
    ],
)
def test_multi_step_restarts_agree_with_a_walk_through_the_steps(options: MultiStepRestartsOptions) -> None:
    assert rates(options, 25) == pytest.approx(slow_multi_step_restarts(options, 25), rel=1e-12)


@pytest.mark.parametrize("options", [cosine((10,)), multi_step((5,)), ConstantOptions(name="constant")])
def test_the_first_step_has_the_base_rate(options: AnyScheduleOptions) -> None:
    assert options.learning_rate(BASE, 0) == pytest.approx(BASE, rel=1e-12)


def test_the_step_between_two_periods_ends_the_first() -> None:
    options = cosine((10, 20), weights=(1.0, 1.0))

    assert options.learning_rate(BASE, 10) == pytest.approx(1e-7)
    assert options.learning_rate(BASE, 11) == pytest.approx(cosine((20,)).learning_rate(BASE, 1))


def test_after_the_last_period_the_rate_stays_at_its_minimum() -> None:
    assert [cosine((10,)).learning_rate(BASE, step) for step in (10, 11, 1_000_000)] == [1e-7] * 3


def test_a_restart_wins_over_a_milestone_of_the_same_step() -> None:
    options = multi_step((3, 5), restarts=(5,), weights=(0.9,))

    assert options.learning_rate(BASE, 5) == pytest.approx(0.9 * BASE)


def test_warm_up_rises_linearly_and_the_schedule_runs_on_meanwhile() -> None:
    warm = rates(cosine((40,), warmup_steps=4), 41)

    assert warm[:4] == pytest.approx([BASE / 4, BASE / 2, BASE * 3 / 4, BASE])
    assert warm[4:] == rates(cosine((40,)), 41)[4:]
