"""How the weights are moved: the optimizer, and the learning rate as a pure function of the step."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import assert_never

import torch
from torch import nn

from engine.options import (
    AnyScheduleOptions,
    ConstantOptions,
    CosineRestartsOptions,
    MultiStepRestartsOptions,
    OptimizerOptions,
)

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def build_optimizer(options: OptimizerOptions, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Build the optimizer over all parameters that are trained, in one fused kernel a step."""
    optimizer_class: type[torch.optim.Adam] = OPTIMIZERS[options.name]
    return optimizer_class(
        [parameter for parameter in parameters if parameter.requires_grad],
        lr=options.lr,
        betas=options.betas,
        weight_decay=options.weight_decay,
        fused=True,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def learning_rate(options: AnyScheduleOptions, base: float, step: int) -> float:
    """Return the learning rate of the optimizer step `step`, counted from 0.

    Without warm-up step 0 has the rate at the schedule's start, and the schedule advances by one with each
    later step. During warm-up the rate rises linearly to base; the schedule runs on meanwhile.
    """
    if step < options.warmup_steps:
        return base * (step + 1) / options.warmup_steps
    match options:
        case ConstantOptions():
            return base
        case CosineRestartsOptions():
            return _cosine_restarts(options, base, step)
        case MultiStepRestartsOptions():
            return _multi_step_restarts(options, base, step)
        case _:
            assert_never(options)


def _cosine_restarts(options: CosineRestartsOptions, base: float, step: int) -> float:
    """Return equation 5 of arXiv 1608.03983, times the period's weight.

    The step at which a period ends belongs to it and has min_lr; the next period begins at its own step 1.
    """
    ends = list(accumulate(options.periods))
    if step >= ends[-1]:
        return options.min_lr
    index = bisect_left(ends, step)
    period = options.periods[index]
    elapsed = step - (ends[index] - period)
    amplitude = options.restart_weights[index] * (base - options.min_lr)
    return options.min_lr + amplitude * 0.5 * (1 + math.cos(math.pi * elapsed / period))


def _multi_step_restarts(options: MultiStepRestartsOptions, base: float, step: int) -> float:
    """Return the weighted base times gamma for each milestone since the latest restart.

    A milestone given twice counts twice; one that coincides with a restart does not count.
    """
    num_restarts = bisect_right(options.restarts, step)
    start, weight = 0, 1.0
    if num_restarts:
        start, weight = options.restarts[num_restarts - 1], options.restart_weights[num_restarts - 1]
    num_milestones = sum(start < milestone <= step for milestone in options.milestones)
    return base * weight * options.gamma**num_milestones
