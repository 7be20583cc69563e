"""All that a training run carries from one step to the next."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.evaluator import Evaluation
from engine.optimizer import build_optimizer
from engine.options import TrainOptions
from engine.precision import NonFiniteGuard, OverflowCount, gradient_scaler
from engine.training_model import TrainingModel
from engine.validation_scores import ValidationScores


@dataclass(slots=True)
class TrainState:
    """The one mutable record of training; a checkpoint holds exactly this."""

    model: TrainingModel
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    loss_sum: Tensor
    """() float64, of the steps since the last log line, those of overflow steps left out"""
    overflow: OverflowCount
    """Steps that overflowed in float16 and left the weights alone."""
    guard: NonFiniteGuard
    """Holds the weights where a loss or gradient is not finite in another precision."""
    step: int = 0
    """Steps done. Overflow steps count: the data, the learning rate and the randomness go on with each of them."""
    loss_steps: int = 0
    """Steps since the last log line, overflow steps among them."""
    evaluation: Evaluation | None = None
    """At this very step, if there was one."""
    validation: ValidationScores | None = None
    """Scores of that evaluation, in the first process."""
    evaluation_due: bool = False
    """Whether this very step's evaluation was broken off."""
    best_f1: float = -1.0
    """Highest calibrated F1 so far."""
    best_step: int | None = None
    """Its step."""


def first_state(model: TrainingModel, options: TrainOptions, device: torch.device) -> TrainState:
    """Return the state before the first step of a model that lies on the device."""
    optimizer = build_optimizer(options.optimizer, model.parameters())
    scaler = gradient_scaler(options.precision, device)
    guard = NonFiniteGuard(device)
    if not scaler.is_enabled():
        guard.attach(optimizer)
    return TrainState(
        model=model,
        optimizer=optimizer,
        scaler=scaler,
        loss_sum=torch.zeros((), dtype=torch.float64, device=device),
        overflow=OverflowCount(device),
        guard=guard,
    )
