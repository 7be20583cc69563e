import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from data.loading import load_split
from engine import after_step
from engine.after_step import AfterStep
from engine.checkpoint import read_state
from engine.checkpoint_folder import latest_checkpoint
from engine.checksums import write_checksums
from engine.distributed import Processes
from engine.encode import encode_items, encoding_plan
from engine.pair_scores import VALIDATION, read_scores, score_pairs
from engine.precision import OverflowFigures
from engine.run_folder import run_folder
from engine.stop_request import StoppedError, StopRequest
from engine.train_loop import StepFigures
from engine.trainer import run_training
from engine.verifier import Verifier
from options.errors import UserError
from tests.engine.conftest import ALONE, KilledError, MakeOptions
from tests.engine.processes import in_processes

QUICK = ["model.image_encoder=null", "train.precision=float16", "log.tensorboard=false"]


@pytest.fixture
def first_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from a loss scale with which the first few steps overflow."""
    monkeypatch.setattr(
        "engine.training.gradient_scaler", lambda precision, device: torch.amp.GradScaler("cpu", init_scale=2.0**20)
    )


@pytest.fixture
def endless_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a loss scale that no halving brings down far enough."""
    monkeypatch.setattr(
        "engine.training.gradient_scaler", lambda precision, device: torch.amp.GradScaler("cpu", init_scale=2.0**120)
    )


def course(name: str) -> list[dict[str, float]]:
    lines = run_folder(name).course.read_text(encoding="utf-8").splitlines()
    return [{name: value for name, value in json.loads(line).items() if name != "pairs_per_second"} for line in lines]


@pytest.mark.usefixtures("first_scale")
def test_a_killed_float16_run_goes_on_to_the_same_bits_and_the_same_overflow_steps(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Saved at step 3, between two log lines; the steps before it overflow.
    overrides = [*QUICK, "train.steps=12", "train.log_every=4", "train.schedule={name: constant}"]
    run_training(make_options("name=whole", *overrides), "", ALONE)
    whole_call = AfterStep.__call__

    def until_killed(self: AfterStep, figures: StepFigures) -> None:
        if self._state.step == 5:
            monkeypatch.setattr(AfterStep, "__call__", whole_call)
            raise KilledError
        whole_call(self, figures)

    monkeypatch.setattr(AfterStep, "__call__", until_killed)
    with pytest.raises(KilledError):
        run_training(make_options("name=killed", *overrides), "", ALONE)
    saved = latest_checkpoint(run_folder("killed").checkpoints)
    assert saved is not None
    assert read_state(saved).overflow == OverflowFigures(total=3, in_a_row=3, unlogged=3)
    run_training(make_options("name=killed", *overrides), "", ALONE)
    assert course("killed") == course("whole")
    assert course("whole")[-2]["overflow_steps"] > 3
    for file in ("item_encoder.safetensors", "training.safetensors"):
        killed, whole = (
            load_file(run_folder(name).checkpoints / "step_00000012" / file) for name in ("killed", "whole")
        )
        assert killed.keys() == whole.keys()
        assert all(torch.equal(killed[name], whole[name]) for name in whole)


@pytest.mark.usefixtures("first_scale")
def test_the_logged_loss_is_the_mean_over_the_steps_that_did_not_overflow(make_options: MakeOptions) -> None:
    run_training(make_options("name=each", *QUICK, "train.steps=12", "train.log_every=1"), "", ALONE)
    run_training(make_options("name=once", *QUICK, "train.steps=12", "train.log_every=12"), "", ALONE)
    each = [line for line in course("each") if "loss_scale" in line]
    (once,) = [line for line in course("once") if "loss_scale" in line]
    losses = [line["loss"] for line in each if "loss" in line]
    assert len(losses) == 12 - each[-1]["overflow_steps"]
    assert 0 < len(losses) < 12
    assert once["loss"] == pytest.approx(sum(losses) / len(losses))
    assert once["overflow_steps"] == each[-1]["overflow_steps"]
    assert once["loss_scale"] == each[-1]["loss_scale"] == 2.0 ** (20 - once["overflow_steps"])
    assert all(math.isfinite(value) for line in each for value in line.values())


@pytest.mark.usefixtures("endless_overflow")
@pytest.mark.parametrize(("log_every", "stops_at"), [(1, 4), (3, 6), (100, 4)])
def test_too_many_overflow_steps_in_a_row_end_the_run_where_a_line_or_an_evaluation_comes(
    make_options: MakeOptions, log_every: int, stops_at: int
) -> None:
    options = make_options(
        *QUICK, "train.steps=50", "train.max_overflow_steps=4", f"train.log_every={log_every}",
        f"train.evaluate_every={4 if log_every == 100 else 50}",
    )  # fmt: skip
    message = (
        rf"the last {stops_at} steps up to step {stops_at} overflowed .*learning rate .*train\.precision to bfloat16"
    )
    with pytest.raises(UserError, match=message):
        run_training(options, "", ALONE)


@pytest.mark.usefixtures("endless_overflow")
def test_fewer_overflow_steps_than_that_do_not_end_the_run(make_options: MakeOptions) -> None:
    run_training(make_options(*QUICK, "train.max_overflow_steps=7"), "", ALONE)
    assert course("tiny")[-2]["overflow_steps"] == 6


def test_float32_logs_no_overflow_steps(make_options: MakeOptions) -> None:
    run_training(make_options(*QUICK, "train.precision=float32", "train.steps=2"), "", ALONE)
    assert course("tiny")[0].keys() == {"step", "loss", "gradient_norm", "learning_rate"}


def test_a_run_whose_validation_was_broken_off_begins_with_it_and_ends_with_the_same_bits(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = [*QUICK, "train.precision=float32", "train.steps=4", "train.evaluate_every=2", "train.log_every=2"]
    run_training(make_options("name=whole", *overrides), "", ALONE)
    stop = StopRequest()
    encode = after_step.encode_items

    def asked_to_stop(*arguments: object) -> object:
        stop.made = True
        return encode(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(after_step, "encode_items", asked_to_stop)
        with pytest.raises(StoppedError, match="step 2 of 4 is saved"):
            run_training(make_options("name=stopped", *overrides), "", ALONE, stop)
    saved = latest_checkpoint(run_folder("stopped").checkpoints)
    assert saved is not None
    assert read_state(saved).evaluation_due
    assert [line["step"] for line in course("stopped")] == [2]
    run_training(make_options("name=stopped", *overrides), "", ALONE)
    assert course("stopped") == course("whole")
    for name in ("item_encoder.safetensors", "training.safetensors", "state.json"):
        files = [run_folder(run).checkpoints / "step_00000004" / name for run in ("stopped", "whole")]
        stopped, whole = (file.read_bytes().replace(b'"stopped"', b'"whole"') for file in files)
        assert stopped == whole


@pytest.mark.parametrize("version", ["this", "earlier"])
def test_the_loss_logged_after_a_change_of_the_interval_is_the_mean_of_all_steps_since_the_last_line(
    make_options: MakeOptions, version: str
) -> None:
    overrides = [*QUICK, "train.precision=float32"]
    stop = StopRequest()
    stop.made = True
    for step in (1, 2, 3):
        with pytest.raises(StoppedError, match=f"step {step} of 6"):
            run_training(make_options(*overrides, "train.log_every=2"), "", ALONE, stop)
    if version == "earlier":
        state = run_folder("tiny").checkpoints / "step_00000003/state.json"
        record = json.loads(state.read_text())
        record.pop("loss_steps", None)
        state.write_text(json.dumps(record))
        write_checksums(state.parent)
    run_training(make_options(*overrides, "train.log_every=4"), "", ALONE)
    run_training(make_options("name=each", *overrides, "train.log_every=1"), "", ALONE)
    losses = [line["loss"] for line in course("each") if "loss" in line]
    found = [line["loss"] for line in course("tiny") if "loss" in line]
    assert found == pytest.approx([sum(losses[:2]) / 2, sum(losses[2:4]) / 2])


@pytest.mark.parametrize("steps", [1, 2])
def test_a_run_that_is_shortened_to_where_it_is_evaluates_that_step(make_options: MakeOptions, steps: int) -> None:
    overrides = [*QUICK, "train.precision=float32", "train.evaluate_every=9"]
    stop = StopRequest()
    stop.made = True
    for step in (1, 2):
        with pytest.raises(StoppedError, match=f"step {step} of 6 is saved"):
            run_training(make_options(*overrides), "", ALONE, stop)
    result = run_training(make_options(*overrides, f"train.steps={steps}"), "", ALONE)
    assert result.step == 2
    assert result.checkpoint.name == "step_00000002"
    assert [line["step"] for line in course("tiny") if "f1" in line] == [2]


def test_items_of_replaced_images_are_not_forgotten_by_a_stop_between_two_evaluations(
    make_options: MakeOptions, tiny_dataset: Path
) -> None:
    shutil.copytree(tiny_dataset / "images", "images")
    for picture in Path("images").glob("train*"):
        picture.write_bytes(b"no picture")
    overrides = [f"data.{split}.images=images" for split in ("train", "val")]
    overrides += ["model.text_encoder=null", "log.tensorboard=false", "data.image.on_bad_image=blank"]
    stop = StopRequest()
    stop.made = True
    seen = []
    for _ in range(2):
        with pytest.raises(StoppedError):
            run_training(make_options(*overrides, "train.batch_size=1"), "", ALONE, stop)
        seen.append(set(json.loads(run_folder("tiny").blank_images.read_text())["train"]))
    assert seen[0]
    assert seen[0] < seen[1]


@pytest.mark.parametrize("count", [1, 2])
def test_validation_encodes_with_the_statistics_that_are_saved(
    make_options: MakeOptions, tmp_path: Path, count: int
) -> None:
    options = make_options(
        *QUICK, "train.precision=float32", "model.head={name: linear, standardize: true}", "train.steps=3"
    )

    def run(processes: Processes, folder: Path) -> None:
        run_training(options, "", processes)

    in_processes(count, run, tmp_path)
    checkpoint = latest_checkpoint(run_folder("tiny").checkpoints)
    assert checkpoint is not None
    assert options.data.val is not None
    split = load_split(options.data.val, options.data, options.reads, labelled=True)
    encoder = Verifier.load(checkpoint, processes=ALONE).encoder
    items = encode_items(encoder, split.items, encoding_plan(options, "float32", ALONE.device), ALONE, "")
    assert items is not None
    margin = score_pairs(items, split.pairs, encoder.threshold_width).margin
    assert margin == pytest.approx(read_scores(checkpoint / VALIDATION).margin, rel=1e-5)


def test_a_stop_after_any_step_saves_that_step_and_the_run_goes_on_from_it(make_options: MakeOptions) -> None:
    overrides = [*QUICK, "train.precision=float32", "train.steps=4", "train.save_every=9"]
    stop = StopRequest()
    stop.made = True
    for step in (1, 2, 3):
        with pytest.raises(StoppedError, match=f"step {step} of 4 is saved"):
            run_training(make_options(*overrides), "", ALONE, stop)
    # Asked during the last step, the run is done all the same.
    result = run_training(make_options(*overrides, "evaluate.batch_size=60"), "", ALONE)
    whole = run_training(make_options("name=whole", *overrides, "evaluate.batch_size=60"), "", ALONE)
    encoders = [load_file(each.checkpoint / "item_encoder.safetensors") for each in (result, whole)]
    assert all(torch.equal(encoders[0][name], encoders[1][name]) for name in encoders[1])
