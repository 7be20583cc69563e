"""What a training run is given, its pairs by step, and the state that it carries from its first step on."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data.item_pair import refuse_one_label
from data.loading import Split, load_split, pair_batches
from data.pair_batch import PairBatch
from data.pair_dataset import PairDataset, product_groups
from data.pair_sampler import LabelShares, TrainingOrder
from engine.distributed import Processes
from engine.evaluator import Evaluation
from engine.experiment import ExperimentOptions
from engine.options import OptimizerOptions, TrainOptions
from engine.pair_scores import ValidationScores
from engine.precision import NonFiniteGuard, OverflowCount, gradient_scaler
from engine.run_folder import RunFolder
from engine.run_identity import RunIdentity
from engine.stop_request import StopRequest
from engine.training_model import TrainingModel
from options.errors import UserError

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """Options, data, folder and processes of a run; nothing of it changes while it trains."""

    options: ExperimentOptions
    folder: RunFolder
    train_split: Split
    val_split: Split
    listing: NDArray[np.int64]
    """(training items,) which of them are one listing under several ids"""
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


def load_splits(options: ExperimentOptions) -> tuple[Split, Split]:
    """Return the training and the validation split.

    Raises UserError where the options leave one out, and for files that the user has to mend.
    """
    train_files, val_files = options.data.train, options.data.val
    if train_files is None or val_files is None:
        raise UserError("data.train and data.val: training needs both; the option file leaves one out")
    train_split = load_split(train_files, options.data, options.reads, labelled=True)
    val_split = load_split(val_files, options.data, options.reads, labelled=True)
    for files, split in ((train_files, train_split), (val_files, val_split)):
        refuse_one_label(files.pairs, split.pairs.same)
    return train_split, val_split


def training_batches(run: TrainingRun, first_step: int) -> Iterator[PairBatch]:
    """Yield the batches of this process from a step on."""
    split, processes = run.train_split, run.processes
    dataset = PairDataset(split.pairs, split.items, product_groups(split.pairs, run.listing))
    same = split.pairs.same
    order = training_order(run.options, len(split.pairs), processes.rank, processes.count, first_step, same)
    return pair_batches(dataset, order, run.options.data.workers, pin=processes.device.type == "cuda")


def training_order(
    options: ExperimentOptions,
    num_pairs: int,
    rank: int,
    num_processes: int,
    first_step: int,
    same: NDArray[np.bool_] | None = None,
) -> TrainingOrder:
    """Return which training pairs a process takes, from a step on; `same` (num_pairs,) are their labels."""
    shares, wanted, batch_size = None, options.train.positive_share, options.train.batch_size
    if wanted is not None and same is not None:
        num_positives = min(max(1, round(wanted * batch_size)), max(1, batch_size - 1))
        shares = LabelShares(np.flatnonzero(same), np.flatnonzero(~same), num_positives)
    return TrainingOrder(
        seed=options.seed,
        num_pairs=num_pairs,
        batch_size=options.train.batch_size,
        accumulate=options.train.accumulate,
        rank=rank,
        num_processes=num_processes,
        first_step=first_step,
        last_step=options.train.steps,
        shares=shares,
    )


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
