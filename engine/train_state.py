"""All that a training run carries from one step to the next."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.evaluator import Evaluation
from engine.precision import OverflowCount
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
