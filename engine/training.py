"""What a training run is given, and the state that it carries from step to step, from its first one on."""

import os
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data.loading import Split
from engine.distributed import Processes
from engine.evaluator import Evaluation
from engine.experiment import ExperimentOptions
from engine.optimizer import build_optimizer
from engine.options import TrainOptions
from engine.precision import NonFiniteGuard, OverflowCount, gradient_scaler
from engine.run_folder import RunFolder
from engine.run_identity import RunIdentity
from engine.stop_request import StopRequest
from engine.training_model import TrainingModel
from engine.validation_scores import ValidationScores


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """Options, data, folder and processes of a run; nothing of it changes while it trains."""

    options: ExperimentOptions
    folder: RunFolder
    train_split: Split
    val_split: Split
    identity: RunIdentity
    processes: Processes
    stop: StopRequest


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


def seed_everything(*parts: int) -> None:
    """Seed torch from a tuple of numbers, such as seed, step and rank."""
    torch.manual_seed(int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1))


def use_deterministic_algorithms() -> None:
    """Make equal runs on equal machines equal to the last bit; an algorithm that cannot be raises."""
    # cuBLAS reads this when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Else all memory is filled before it is written, a twentieth of a step, for algorithms that read what nobody wrote.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
