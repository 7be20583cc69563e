"""The training loop."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from data.pair_batch import PairBatch
from engine.distributed import Processes
from engine.options import TrainOptions
from engine.precision import not_a_number_unless_finite
from engine.training import TrainState, seed_everything


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What a step tells its observers; tensors, so that nobody waits for the device unless they look."""

    learning_rate: float
    gradient_norm: torch.Tensor
    """() float32, before clipping"""


def train(
    state: TrainState,
    module: nn.Module,
    batches: Iterator[PairBatch],
    options: TrainOptions,
    seed: int,
    processes: Processes,
    after_step: Callable[[StepFigures], None],
) -> None:
    """Train from the state's step to the last one; `module` is the state's model, or DDP around it.

    `after_step` logs, evaluates and saves as it sees fit.
    """
    while state.step < options.steps:
        rate = options.schedule.learning_rate(options.optimizer.lr, state.step)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        seed_everything(seed, state.step, processes.rank)
        step_loss = torch.zeros_like(state.loss_sum)
        for number in range(options.accumulate):
            batch = next(batches).to(processes.device)
            # Gradients travel between processes once a step, with its last batch.
            is_last = number == options.accumulate - 1
            with module.no_sync() if isinstance(module, DistributedDataParallel) and not is_last else nullcontext():
                loss = module(batch).loss / options.accumulate
                torch.autograd.backward(state.scaler.scale(not_a_number_unless_finite(loss)))
            step_loss += loss.detach()
        gradient_norm = _finish_step(state, options.clip_norm)
        _count(state, step_loss, gradient_norm)
        state.step += 1
        after_step(StepFigures(rate, gradient_norm))


def _finish_step(state: TrainState, clip_norm: float | None) -> torch.Tensor:
    """Clip the gradients, update the weights and forget the gradients; return the norm before clipping."""
    state.scaler.unscale_(state.optimizer)
    gradient_norm = nn.utils.clip_grad_norm_(
        state.model.parameters(), clip_norm if clip_norm is not None else float("inf")
    )
    if not state.scaler.is_enabled():
        state.guard.look_at(gradient_norm, state.step)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.optimizer.zero_grad(set_to_none=True)
    return gradient_norm


def _count(state: TrainState, step_loss: torch.Tensor, gradient_norm: torch.Tensor) -> None:
    """Add the loss of a step, or count that it overflowed; the same on all processes, as the gradients are."""
    if state.scaler.is_enabled():
        overflowed = ~gradient_norm.isfinite()
        state.overflow.add(overflowed)
        # A forward pass may have overflowed as well; its loss is not to spoil the mean of the others.
        step_loss = step_loss.masked_fill(overflowed, 0.0)
    state.loss_sum += step_loss
    state.loss_steps += 1
