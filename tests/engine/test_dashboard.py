import importlib
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from engine.dashboard import TensorboardDashboard, check_dashboards, open_dashboards
from engine.evaluation_view import EvaluationView
from engine.options import LogOptions
from engine.run_folder import run_folder
from engine.trainer import run_training
from metrics.verification import precision_recall_curve
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions

MARGINS = np.array([2.0, 1.0, -1.0, 0.5])
SAME = np.array([True, True, False, False])
PICTURES = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
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
"""The module wandb as far as a dashboard needs it, keeping what it is given; it is not installed for tests."""


def test_a_dashboard_whose_package_is_missing_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.dashboard.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"wandb is not installed; run `.*python.* -m pip install -r requirements-wandb\.txt`"
    ):
        check_dashboards(LogOptions(wandb="project"))
    check_dashboards(LogOptions())


def test_only_the_dashboards_of_the_options_are_opened(make_options: MakeOptions) -> None:
    folder = run_folder("tiny")
    assert open_dashboards(make_options("log.tensorboard=false"), folder, 0) == []
    (board,) = open_dashboards(make_options(), folder, 0)
    assert isinstance(board, TensorboardDashboard)
    board.close(failed=False)
    assert any(folder.tensorboard.iterdir())


def view(
    pictures: np.ndarray | None = PICTURES, caption: str = "margin 1\n花瓶 <b>![](x)</b>\n\nmargin 2"
) -> EvaluationView:
    curve = precision_recall_curve(MARGINS, SAME)
    return EvaluationView({"same": MARGINS[SAME], "different": MARGINS[~SAME]}, curve, caption, pictures)


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


@pytest.fixture
def events(tmp_path: Path) -> EventAccumulator:
    board = TensorboardDashboard(tmp_path, 0)
    board.figures(3, {"train/loss": 0.5, "train/learning_rate": 0.25})
    board.evaluation(3, view())
    board.close(failed=False)
    return read(tmp_path)


def test_figures_are_scalars_under_their_names(events: EventAccumulator) -> None:
    assert events.Tags()["scalars"] == ["train/loss", "train/learning_rate"]
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(3, 0.5)]


def test_margins_of_both_labels_are_histograms(events: EventAccumulator) -> None:
    assert set(events.Tags()["histograms"]) == {"val/margins_same", "val/margins_different"}
    histogram = events.Histograms("val/margins_same")[0].histogram_value
    assert (histogram.num, histogram.min, histogram.max) == (2, 1.0, 2.0)


def test_the_errors_are_an_image_of_exactly_these_pixels(events: EventAccumulator) -> None:
    image = Image.open(io.BytesIO(events.Images("val/errors")[0].encoded_image_string))
    assert np.array_equal(np.asarray(image), PICTURES)


def test_the_caption_is_shown_as_it_stands_and_not_as_markdown(events: EventAccumulator) -> None:
    text = make_ndarray(events.Tensors("val/errors/text_summary")[0].tensor_proto)
    lines = text.item().decode().splitlines()
    assert lines == ["    margin 1", "    花瓶 <b>![](x)</b>", "    ", "    margin 2"]


def test_the_precision_recall_curve_has_the_counts_of_every_threshold(events: EventAccumulator) -> None:
    hits, false_hits, true_rejections, misses, precision, recall = make_ndarray(
        events.Tensors("val/precision_recall")[0].tensor_proto
    )
    for place, threshold in enumerate(precision_recall_curve(MARGINS, SAME).thresholds):
        taken = threshold < MARGINS
        assert hits[place] == (taken & SAME).sum()
        assert false_hits[place] == (taken & ~SAME).sum()
        assert true_rejections[place] == (~taken & ~SAME).sum()
        assert misses[place] == (~taken & SAME).sum()
    assert (precision[0], recall[0]) == (0.5, 1.0)


def test_an_evaluation_without_errors_and_of_one_label_is_written_too(tmp_path: Path) -> None:
    board = TensorboardDashboard(tmp_path, 0)
    curve = precision_recall_curve(MARGINS, np.zeros(4, bool))
    board.evaluation(1, EvaluationView({"different": MARGINS}, curve, "", None))
    board.close(failed=False)
    tags = read(tmp_path).Tags()
    assert tags["histograms"] == ["val/margins_different"]
    assert tags["images"] == []


@pytest.mark.parametrize(
    ("margins", "kept"),
    [
        ([np.nan], None), ([np.inf, -np.inf], None), ([np.nan, 1.0, np.inf, 2.0], [1.0, 2.0]),
        ([1e30, 2e30], [1e19, 1e19]), ([-1e308, 3.0], [-1e19, 3.0]),
    ],
)  # fmt: skip
def test_margins_that_no_histogram_can_show_end_no_run(
    tmp_path: Path, wandb: ModuleType, make_options: MakeOptions, margins: list[float], kept: list[float] | None
) -> None:
    strange = replace(view(), margins={"same": np.array(margins)})
    folder = run_folder("tiny")
    boards = open_dashboards(make_options("log.wandb=verification"), folder, 0)
    for board in boards:
        board.evaluation(3, strange)
        board.close(failed=False)
    assert wandb.logged[0][1].get("val/margins_same") == ({"histogram": kept} if kept is not None else None)
    shown = read(folder.tensorboard)
    assert shown.Tags()["histograms"] == (["val/margins_same"] if kept is not None else [])
    if kept is not None:
        found = shown.Histograms("val/margins_same")[0].histogram_value
        assert (found.num, found.min, found.max) == (len(kept), min(kept), max(kept))


def test_figures_after_the_step_that_a_run_goes_on_from_are_replaced(tmp_path: Path) -> None:
    killed = TensorboardDashboard(tmp_path, 0)
    for step in (1, 2, 3):
        killed.figures(step, {"train/loss": float(step)})
    killed.close(failed=True)
    board = TensorboardDashboard(tmp_path, 2)
    board.figures(3, {"train/loss": 30.0})
    board.close(failed=False)
    assert [(event.step, event.value) for event in read(tmp_path).Scalars("train/loss")] == [(1, 1), (2, 2), (3, 30)]


@pytest.fixture
def wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The stand-in, found before any other module of its name."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "wandb.py").write_text(SOURCE)
    sys.modules.pop("wandb", None)
    monkeypatch.syspath_prepend(folder)
    yield importlib.import_module("wandb")
    sys.modules.pop("wandb", None)


def test_a_run_shows_figures_and_views_by_step(make_options: MakeOptions, wandb: ModuleType) -> None:
    options = make_options(*QUICK)
    run_training(options, "", ALONE)
    (started,) = wandb.started
    assert (started["project"], started["name"], started["resume"]) == ("verification", "tiny", "allow")
    assert started["dir"] == str(run_folder("tiny").root)
    assert started["config"] == options.prepared().model_dump(mode="json")
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


def test_without_the_package_training_does_not_start(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.dashboard.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"not installed; run `.*python.* -m pip install -r requirements-wandb\.txt`"):
        run_training(make_options(*QUICK, "data.train=null"), "", ALONE)
    assert not run_folder("tiny").root.exists()


def test_a_mere_folder_of_that_name_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb").mkdir()
    sys.modules.pop("wandb", None)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UserError, match="not installed"):
        check_dashboards(LogOptions(wandb="verification"))
