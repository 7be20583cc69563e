import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from data.loading import load_split
from data.pair_batch import PairBatch
from data.pair_dataset import PairDataset, product_groups
from data.split_overlap import listing_rows
from engine.checkpoint import save_checkpoint
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.run_identity import RunIdentity
from engine.training import TrainState, first_state
from engine.training_model import TrainingModel
from models.item_encoder import build_item_encoder
from options.read import read_options
from options.yaml_values import to_yaml
from tests.tiny_data import option_tree

MakeOptions = Callable[..., ExperimentOptions]
ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))
SOME_RUN = RunIdentity({"train": {"batch_size": 4, "accumulate": 1}}, 1, 4, "0" * 64)

LATE_FUSION = (
    "model.text_encoder.freeze=all",
    "model.image_encoder.freeze=all",
    "model.head={name: late_fusion, scale: 4, dropout: 0.2, components: {text: 4}}",
    "model.embedding_width=16",
    "train.frozen_features=features",
)
"""Overrides for a head that is fitted to frozen features."""


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, so that experiments/ is made in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def make_options(work_folder: Path, tiny_dataset: Path) -> MakeOptions:
    """Make the options of a tiny run, with overrides as on the command line; the file is tiny.yml."""

    def make(*overrides: str, change: Callable[[dict[str, Any]], None] | None = None) -> ExperimentOptions:
        tree = copy.deepcopy(option_tree(tiny_dataset))
        if change is not None:
            change(tree)
        file = work_folder / "tiny.yml"
        file.write_text(to_yaml(tree), encoding="utf-8")
        return read_options(ExperimentOptions, file, overrides)

    return make


def fresh_state(options: ExperimentOptions, seed: int = 0) -> TrainState:
    """A state before its first step, with the weights of a seed."""
    torch.manual_seed(seed)
    model = TrainingModel(build_item_encoder(options.model, options.data.image), options.loss, options.train.precision)
    return first_state(model, options.train, ALONE.device)


def save(folder: Path, state: TrainState, keep: int = 3, is_best: bool = False) -> Path:
    """Save a state as a checkpoint of some run, and as its best."""
    if is_best:
        state.best_step = state.step
    return save_checkpoint(folder, state, [float(state.loss_sum)], SOME_RUN, keep)


def train_batch(options: ExperimentOptions, *numbers: int) -> PairBatch:
    """The batch of the training pairs of these numbers."""
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    return PairDataset(split.pairs, split.items, product_groups(split.pairs, listing_rows(split.catalog)))[numbers]


def take_steps(state: TrainState, batch: PairBatch, count: int = 1) -> None:
    """Train on a batch again and again."""
    for _ in range(count):
        loss = state.model(batch).loss
        state.scaler.scale(loss).backward()
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.optimizer.zero_grad()
        state.loss_sum += loss.detach()
        state.step += 1
