"""All that a training run carries from one step to the next."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.evaluator import Evaluation
from engine.optimizer import build_optimizer
from engine.options import TrainOptions
from engine.precision import OverflowCount, gradient_scaler
from engine.training_model import TrainingModel


@dataclass(slots=True)
class TrainState:
    """The one mutable record of training; a checkpoint holds exactly this."""

    model: TrainingModel
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    loss_sum: Tensor
    """() float64, of the batches since the last log line, those of overflow steps left out"""
    overflow: OverflowCount
    """Steps that overflowed in float16 and left the weights alone."""
    step: int = 0
    """Steps done. Overflow steps count: the data, the learning rate and the randomness go on with each of them."""
    evaluation: Evaluation | None = None
    """At this very step, if there was one."""
    best_f1: float = -1.0
    """Highest calibrated F1 so far."""


def first_state(model: TrainingModel, options: TrainOptions, device: torch.device) -> TrainState:
    """Return the state before the first step of a model that lies on the device."""
    return TrainState(
        model=model,
        optimizer=build_optimizer(options.optimizer, model.parameters()),
        scaler=gradient_scaler(options.precision, device),
        loss_sum=torch.zeros((), dtype=torch.float64, device=device),
        overflow=OverflowCount(device),
    )
