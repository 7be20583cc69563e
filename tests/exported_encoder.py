"""A tiny run and its exported encoder, made once for all tests of a process, since either takes seconds."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.trainer import run_training
from options.read import read_options
from options.yaml_values import to_yaml
from tests.tiny_data import AGREEMENT, option_tree
from tools.exchange.onnx_export import Export, Source, export, read_source

SMALL = ("model.share_encoders=true", "model.text_encoder.architecture.num_hidden_layers=1")
"""Overrides that halve the time; a graph of two pairs of encoders is that of test_published_export.py."""


@dataclass(frozen=True)
class ExportedRun:
    """A run of the tiny dataset and what was exported of it."""

    option_file: Path
    options: ExperimentOptions
    checkpoint: Path
    source: Source
    folder: Path
    found: Export


def make_exported_run(place: Path, tiny_dataset: Path) -> ExportedRun:
    """Train for some steps in a folder and export."""
    option_file = place / "tiny.yml"
    option_file.write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    options = read_options(ExperimentOptions, option_file, ["log.tensorboard=false", AGREEMENT, *SMALL])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        result = run_training(options, "", Processes(rank=0, count=1, device=torch.device("cpu")))
    assert result is not None
    checkpoint = place / result.checkpoint
    source = read_source(checkpoint, None, labelled=True)
    found = export(source, place / "exported", int8=False, num_pairs=10)
    return ExportedRun(option_file, options, checkpoint, source, place / "exported", found)
