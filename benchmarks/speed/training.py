"""Whole training steps, loading included."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from benchmarks.speed.bench import Bench
from benchmarks.speed.models import ALONE, count_operations, workload_model, workload_options, workload_split
from benchmarks.speed.record import BenchmarkRow, Check, Limit
from benchmarks.speed.reference import PlainTraining
from benchmarks.speed.settings import PREDICTED_ITEMS, PREDICTED_PAIRS
from benchmarks.speed.sides import Round, Work
from benchmarks.speed.workload import WorkloadSize, write_workload
from data.loading import Split, pair_batches
from data.pair_batch import PairBatch
from data.pair_dataset import PairDataset, product_groups
from data.pair_sampler import pairs_at
from data.split_overlap import listing_rows
from engine.experiment import ExperimentOptions
from engine.train_loop import StepFigures, train
from engine.training import TrainState, first_state, training_order
from engine.training_model import TrainingModel

LARGEST_DIFFERENCE = 1e-4
"""Of two ways' gradients, as a share of the length of the whole gradient."""
REFERENCE = (
    "four encoder calls a step, text padded to 140 tokens, Adam weight by weight (foreach=False, fused=False), "
    "loss.item() at every step, loading in the same process"
)


class OurTraining:
    """A model in the training loop, which is entered again for every round."""

    def __init__(self, options: ExperimentOptions, split: Split) -> None:
        self._options = options
        self._split = split
        encoder = workload_model(options)
        if options.train.activation_checkpointing:
            encoder.checkpoint_activations()
        model = TrainingModel(encoder, options.loss, options.train.precision)
        self.state: TrainState = first_state(model, options.train, ALONE.device)

    def batches(self, num_steps: int) -> Iterator[PairBatch]:
        """Load the batches of the next steps."""
        options, split = self._until(num_steps), self._split
        dataset = PairDataset(split.pairs, split.items, product_groups(split.pairs, listing_rows(split.catalog)))
        order = training_order(options, len(split.pairs), 0, 1, self.state.step)
        return pair_batches(dataset, order, options.data.workers, pin=False)

    def steps(self, batches: Iterator[PairBatch], num_steps: int) -> list[float]:
        """Train; return the time at the end of each step."""
        ends: list[float] = []

        def after_step(figures: StepFigures) -> None:
            ends.append(time.perf_counter())

        options = self._until(num_steps)
        train(self.state, self.state.model, batches, options.train, options.seed, ALONE, after_step)
        return ends

    def _until(self, num_steps: int) -> ExperimentOptions:
        options = self._options
        goal = options.train.model_copy(update={"steps": self.state.step + num_steps})
        return options.model_copy(update={"train": goal})


def measure_training(bench: Bench) -> list[BenchmarkRow]:
    """Measure steps of the training loop against plain ones."""
    settings = bench.settings
    size = WorkloadSize(settings.scaled(PREDICTED_ITEMS, 8), settings.scaled(PREDICTED_PAIRS, 8))
    file = write_workload(settings.work / "training", settings.size, size, settings.seed)
    steps = settings.training_steps
    sides = bench.measured(
        {"ours": partial(our_steps, file, steps), "plain": partial(plain_steps, file, steps)}, "training"
    )
    difference, operations = bench.child(partial(gradient_difference, file), "gradients")
    pairs = workload_options(file).train.batch_size * steps
    return [
        BenchmarkRow(
            "training",
            f"{steps} steps of {pairs // steps} pairs, {settings.size.name} model, float32, after one step to warm up",
            "pairs",
            pairs,
            sides["ours"].timing,
            REFERENCE,
            sides["plain"].timing,
            Limit("matrix products of a step, forward and backward",
                  steps * operations / bench.matrix_products(settings.size)),
            (Check("length of the difference of the gradients, relative", difference, LARGEST_DIFFERENCE),),
        )
    ]  # fmt: skip


def measure_checkpointing(bench: Bench) -> list[BenchmarkRow]:
    """Measure steps that compute activations again, against steps that keep them."""
    settings = bench.settings
    size = WorkloadSize(settings.scaled(PREDICTED_ITEMS, 8), settings.scaled(PREDICTED_PAIRS, 8))
    file = write_workload(settings.work / "checkpointing", settings.size, size, settings.seed)
    steps = settings.training_steps
    again = partial(our_steps, file, steps, "train.activation_checkpointing=true")
    sides = bench.measured({"again": again, "kept": partial(our_steps, file, steps)}, "checkpointing")
    pairs = workload_options(file).train.batch_size * steps
    return [
        BenchmarkRow(
            "checkpointing",
            f"{steps} steps of {pairs // steps} pairs, {settings.size.name} model, train.activation_checkpointing",
            "pairs",
            pairs,
            sides["again"].timing,
            "the same without it",
            sides["kept"].timing,
        )
    ]


def our_steps(option_file: Path, num_steps: int, *overrides: str) -> Work:
    """Return a round of the training loop, with a loader process."""
    options = workload_options(option_file, *overrides)
    training = OurTraining(options, workload_split(options))

    def one_round() -> Round:
        ends = training.steps(training.batches(1 + num_steps), 1 + num_steps)
        return Round(ends[-1] - ends[0])

    return one_round


def plain_steps(option_file: Path, num_steps: int) -> Work:
    """Return a round of the reference, on the same pairs."""
    options = workload_options(option_file)
    split = workload_split(options)
    training = PlainTraining(workload_model(options), split, options)
    size = options.train.batch_size
    done = 0

    def step() -> None:
        nonlocal done
        training.step(pairs_at(options.seed, done * size, size, len(split.pairs)).tolist())
        done += 1

    def one_round() -> Round:
        step()
        started = time.perf_counter()
        for _ in range(num_steps):
            step()
        return Round(time.perf_counter() - started)

    return one_round


def gradient_difference(option_file: Path) -> tuple[float, int]:
    """Return how far the gradients of both ways on one batch are apart, relative, and the operations of our step."""
    options = workload_options(option_file)
    split = workload_split(options)
    numbers = list(range(min(options.train.batch_size, len(split.pairs))))
    model = TrainingModel(workload_model(options), options.loss, options.train.precision)
    batch = PairDataset(split.pairs, split.items, product_groups(split.pairs, listing_rows(split.catalog)))[numbers]
    operations = count_operations(lambda: torch.autograd.backward(model(batch).loss))
    ours = _gradient(model)
    model.zero_grad()
    torch.autograd.backward(PlainTraining(model.item_encoder, split, options).loss(numbers))
    plain = _gradient(model)
    return float((ours - plain).norm() / plain.norm()), operations


def _gradient(model: TrainingModel) -> torch.Tensor:
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])
