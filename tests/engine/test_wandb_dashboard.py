"""Weights & Biases by a module of its name that keeps what it is given; the real one is not installed for tests."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from engine.dashboard import check_dashboards
from engine.distributed import Processes
from engine.options import LogOptions
from engine.run_folder import run_folder
from engine.trainer import run_training
from options.errors import UserError
from tests.engine.conftest import MakeOptions

ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))
QUICK = ["model.image_encoder=null", "log.tensorboard=false", "log.wandb=verification"]
SOURCE = """
from types import SimpleNamespace

started, logged, finished = [], [], []


class Error(Exception):
    pass


class Run:
    def log(self, content, step):
        logged.append((step, content))

    def finish(self, exit_code):
        finished.append(exit_code)


def init(**arguments):
    if arguments["project"] == "forbidden":
        raise Error("no API key")
    started.append(arguments)
    return Run()


def Table(columns, data):
    return {"columns": columns, "data": data}


def Histogram(values):
    return {"histogram": values.tolist()}


def Image(pixels, caption):
    return {"shape": pixels.shape, "caption": caption}


plot = SimpleNamespace(line=lambda table, x, y, title: {"table": table, "x": x, "y": y})
"""


def forget() -> None:
    for name in ("wandb", "engine.wandb_dashboard"):
        sys.modules.pop(name, None)


@pytest.fixture
def wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The stand-in, found before any other module of its name."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "wandb.py").write_text(SOURCE)
    forget()
    monkeypatch.syspath_prepend(folder)
    yield importlib.import_module("wandb")
    forget()


@pytest.fixture
def no_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    monkeypatch.setattr("engine.dashboard.find_spec", lambda name: None)


def test_a_run_shows_figures_and_views_by_step(make_options: MakeOptions, wandb: ModuleType) -> None:
    options = make_options(*QUICK)
    run_training(options, "", ALONE)
    (started,) = wandb.started
    assert (started["project"], started["name"], started["resume"]) == ("verification", "tiny", "allow")
    assert started["dir"] == str(run_folder("tiny").root)
    assert started["config"] == options.model_dump(mode="json")
    assert [step for step, content in wandb.logged if "train/loss" in content] == [2, 4, 6]
    assert [step for step, content in wandb.logged if "val/f1" in content] == [3, 6]
    views = [content for step, content in wandb.logged if "val/precision_recall" in content]
    assert len(views) == 2
    assert len(views[0]["val/margins_same"]["histogram"]) == 20
    assert len(views[0]["val/margins_different"]["histogram"]) == 40
    line = views[0]["val/precision_recall"]
    assert line["table"]["columns"] == [line["x"], line["y"]] == ["recall", "precision"]
    assert line["table"]["data"][0] == [1.0, pytest.approx(1 / 3)]
    assert wandb.finished == [0]


def test_pictures_of_errors_carry_their_caption(make_options: MakeOptions, wandb: ModuleType) -> None:
    run_training(make_options("log.tensorboard=false", "log.wandb=verification", "train.steps=1"), "", ALONE)
    (image,) = [content["val/errors"] for step, content in wandb.logged if "val/errors" in content]
    assert image["shape"][2] == 3
    assert "labelled" in image["caption"]


def test_a_run_goes_on_under_its_id_and_another_has_another(make_options: MakeOptions, wandb: ModuleType) -> None:
    for name in ("first", "first", "second"):
        run_training(make_options(*QUICK, f"name={name}", "train.steps=1"), "", ALONE)
    first, again, second = (started["id"] for started in wandb.started)
    assert first == again != second


def test_a_run_that_fails_is_marked_so(make_options: MakeOptions, wandb: ModuleType) -> None:
    options = make_options(*QUICK, "train.optimizer.lr=1e30", "train.steps=20", "train.evaluate_every=20")
    with pytest.raises(UserError, match="not a finite number"):
        run_training(options, "", ALONE)
    assert wandb.finished == [1]


@pytest.mark.usefixtures("wandb")
def test_a_refusal_says_what_to_do(make_options: MakeOptions) -> None:
    with pytest.raises(UserError, match=r"log\.wandb=forbidden: no API key; run `wandb login`, set WANDB_MODE=offline"):
        run_training(make_options(*QUICK, "log.wandb=forbidden"), "", ALONE)


@pytest.mark.usefixtures("no_wandb")
def test_without_the_package_training_does_not_start(make_options: MakeOptions) -> None:
    with pytest.raises(UserError, match=r"not installed; run `.*python.* -m pip install -r requirements-wandb\.txt`"):
        run_training(make_options(*QUICK, "data.train=null"), "", ALONE)
    assert not run_folder("tiny").root.exists()


@pytest.mark.usefixtures("no_wandb")
def test_without_the_option_the_package_is_not_looked_for() -> None:
    check_dashboards(LogOptions())


def test_a_mere_folder_of_that_name_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb").mkdir()
    forget()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UserError, match="not installed"):
        check_dashboards(LogOptions(wandb="verification"))
