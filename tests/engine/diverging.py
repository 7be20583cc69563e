"""Runs that diverge in their second step."""

import json

import pytest

from engine.run_folder import run_folder
from engine.trainer import run_training
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions

DIVERGING = (
    "train.optimizer.lr=1e30",
    "train.schedule={name: constant}",
    "train.steps=20",
    "train.log_every=10",
    "train.evaluate_every=20",
    "train.accumulate=2",
    "log.tensorboard=false",
)


def diverged(make_options: MakeOptions, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        run_training(make_options(*DIVERGING, *overrides), "", ALONE)
    return str(caught.value)


def report() -> dict[str, object]:
    record: dict[str, object] = json.loads((run_folder("tiny").non_finite / "report.json").read_text())
    return record
