"""The split and the model of a workload."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file

from benchmarks.speed.bench import Bench
from benchmarks.speed.operations import encoding_operations
from data.loading import Split, load_split
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from models.item_encoder import ItemEncoder, build_item_encoder
from options.read import read_options

ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))


def workload_options(option_file: Path, *overrides: str) -> ExperimentOptions:
    """Read the option file of a workload."""
    return read_options(ExperimentOptions, option_file, overrides)


def workload_split(options: ExperimentOptions) -> Split:
    """Read the labelled pairs of a workload."""
    assert options.data.train is not None
    return load_split(options.data.train, options.data, options.reads, labelled=True)


def workload_model(options: ExperimentOptions) -> ItemEncoder:
    """Build the model with the same weights at every call."""
    torch.manual_seed(options.seed)
    return build_item_encoder(options.model)


def write_weights(option_file: Path) -> None:
    """Write the weights that prediction of a workload reads."""
    options = workload_options(option_file)
    save_file(workload_model(options).state_dict(), Path(options.predict.checkpoint))


def seconds_of_operations(bench: Bench, option_file: Path, rate: float, num_items: int | None = None) -> float:
    """Return in how many seconds the machine could do the operations of encoding the workload's (first) items."""
    return counted_operations(bench, option_file, num_items) / rate


def counted_operations(bench: Bench, option_file: Path, num_items: int | None = None) -> float:
    """Return the operations of encoding the workload's (first) items, without padding."""
    return bench.child(partial(_operations, option_file, num_items), "operations")


def _operations(option_file: Path, num_items: int | None) -> float:
    options = workload_options(option_file)
    split = workload_split(options)
    return encoding_operations(workload_model(options), split.items, split.items.token_lengths()[:num_items])
