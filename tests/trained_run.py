from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.trainer import run_training
from options.read import read_options
from options.yaml_values import to_yaml
from tests.tiny_data import option_tree

ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))
Trained = Callable[..., Path]


def trained_runs(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train a tiny run once for each choice of overrides; returns the run's folder."""

    @cache
    def train(*overrides: str) -> Path:
        folder = tmp_path_factory.mktemp("trained")
        file = folder / "tiny.yml"
        file.write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            options = read_options(ExperimentOptions, file, ["log.tensorboard=false", *overrides])
            run_training(options, "train.py tiny.yml", ALONE)
        return folder / "experiments/tiny"

    return train
