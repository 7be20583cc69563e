"""How long the model waits for the loader, with a loader process and without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Generic, TypeVar

import torch

from benchmarks.speed.bench import Bench
from benchmarks.speed.models import workload_model, workload_options, workload_split
from benchmarks.speed.record import BenchmarkRow
from benchmarks.speed.settings import PREDICTED_ITEMS, PREDICTED_PAIRS
from benchmarks.speed.sides import Round, SideRounds, Work
from benchmarks.speed.start_up import demo_options
from benchmarks.speed.training import OurTraining
from benchmarks.speed.workload import WorkloadSize, write_workload
from data.loading import item_batches
from engine.encode import EncodingPlan

WHOLE_EPOCH = 1_000_000
"""Steps, more than the demo has."""
MOST_STEPS = 12
"""Of the larger model, whose epoch is long."""


Batch = TypeVar("Batch")


class Waiting(Generic[Batch]):
    """Passes batches on and counts how long they were waited for."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._started = time.perf_counter()
        self.seconds: list[float] = []

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        started = time.perf_counter()
        batch = next(self._batches)
        self.seconds.append(time.perf_counter() - started)
        return batch

    def round(self) -> Round:
        """Return the time until now, the wait for the first batch and that for all others."""
        return Round(time.perf_counter() - self._started, (self.seconds[0], sum(self.seconds[1:])))


def measure_loader_wait(bench: Bench) -> list[BenchmarkRow]:
    """Measure an epoch of the demo and of the larger model."""
    settings = bench.settings
    size = WorkloadSize(settings.scaled(PREDICTED_ITEMS, 8), settings.scaled(PREDICTED_PAIRS, 8))
    file = write_workload(settings.work / "loader_wait", settings.size, size, settings.seed)
    demo, overrides = demo_options(settings.work, settings.demo_items)
    return [
        _training_wait(bench, "demo", demo, overrides, WHOLE_EPOCH),
        _training_wait(bench, f"{settings.size.name} model", file, (), MOST_STEPS),
    ]


def training_epoch(option_file: Path, overrides: tuple[str, ...], workers: int, most_steps: int) -> Work:
    """Return a round of an epoch, cut off after some steps, which also tells how long was waited."""
    options = workload_options(option_file, *overrides, f"data.workers={workers}")
    split = workload_split(options)
    num_steps = epoch_steps(len(split.pairs), options.train.batch_size, most_steps)
    training = OurTraining(options, split)

    def epoch() -> Round:
        waiting = Waiting(training.batches(num_steps))
        training.steps(waiting, num_steps)
        return waiting.round()

    return epoch


def encoding_epoch(option_file: Path, batch_size: int, workers: int) -> Work:
    """Return a round of encoding all items, which also tells how long was waited."""
    items = workload_split(workload_options(option_file)).items
    encoder = workload_model(workload_options(option_file)).eval()
    batches = EncodingPlan(batch_size, workers, "float32").batches(items)

    @torch.inference_mode()
    def epoch() -> Round:
        waiting = Waiting(item_batches(items, batches, workers, pin=False))
        for batch in waiting:
            encoder(batch)
        return waiting.round()

    return epoch


def epoch_steps(num_pairs: int, batch_size: int, most_steps: int) -> int:
    """Return the steps of an epoch, at most so many."""
    return min(most_steps, max(1, num_pairs // batch_size))


def encoding_wait(bench: Bench, row: str, title: str, file: Path, batch_size: int) -> BenchmarkRow:
    """Measure the encoding of a workload's items, for a row of this name."""
    sides = _sides(bench, title, partial(encoding_epoch, file, batch_size))
    num_items = len(workload_split(workload_options(file)).catalog)
    return _row(row, f"encoding {num_items} items with the {title}", "items", num_items, sides)


def _training_wait(bench: Bench, title: str, file: Path, overrides: tuple[str, ...], most_steps: int) -> BenchmarkRow:
    sides = _sides(bench, title, partial(training_epoch, file, overrides, most_steps=most_steps))
    options = workload_options(file, *overrides)
    pairs = epoch_steps(len(workload_split(options).pairs), options.train.batch_size, most_steps)
    pairs *= options.train.batch_size
    return _row("loader-wait", f"training on {pairs:,} pairs of the {title}", "pairs", pairs, sides)


def _sides(bench: Bench, title: str, epoch: partial[Work]) -> dict[str, SideRounds]:
    """Measure an epoch with a loader process and without."""
    makes = {name: partial(epoch, workers=workers) for name, workers in (("ours", 1), ("plain", 0))}
    return bench.measured(makes, f"loader, {title}")


def _row(name: str, work: str, unit: str, count: int, sides: dict[str, SideRounds]) -> BenchmarkRow:
    words = [
        f"{_waiting(side)} with data.workers={workers}" for side, workers in zip(sides.values(), (1, 0), strict=True)
    ]
    return BenchmarkRow(
        name,
        f"{work}, data.workers=1, the loader's start included",
        unit,
        count,
        sides["ours"].timing,
        "data.workers=0",
        sides["plain"].timing,
        details=(f"the model waits {' and '.join(words)}",),
    )


def _waiting(side: SideRounds) -> str:
    """Say how long the first batch was waited for, and which share of the time after it was spent waiting."""
    first = median(first for first, _ in side.figures)
    share = median(
        rest / (seconds - first) for (first, rest), seconds in zip(side.figures, side.timing.seconds, strict=True)
    )
    return f"{first:.2f} s for the first batch and {share:.1%} of the time after it"
