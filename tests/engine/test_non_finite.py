import json
import time
from pathlib import Path

import pytest
import torch

from engine import non_finite, replay
from engine.checkpoint_folder import latest_checkpoint
from engine.distributed import Processes
from engine.non_finite import NUM_NAMED
from engine.precision import NonFiniteGuard
from engine.replay import replay_lines, replay_step
from engine.run_folder import run_folder
from engine.stop_request import StopRequest
from engine.trainer import run_training
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions
from tests.engine.processes import in_processes

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


def test_the_message_names_step_learning_rate_items_and_the_command_that_does_it_again(
    make_options: MakeOptions,
) -> None:
    message = diverged(make_options)
    assert "the loss or its gradient is not a finite number in step 2 (learning rate 1e+30, pairs of items " in message
    assert message.count(" and train-") == NUM_NAMED
    assert "`NPROC=1 python -m engine.launch scripts/replay_step.py experiments/tiny/non_finite`" in message


def test_the_report_has_every_pair_of_the_step_in_the_order_of_training(make_options: MakeOptions) -> None:
    diverged(make_options)
    pairs = report()["pairs"]
    assert isinstance(pairs, list)
    data = make_options().data.train
    assert data is not None
    lines = [json.loads(line) for line in data.pairs.read_text().splitlines()]
    assert [pair["batch"] for pair in pairs] == [0] * 4 + [1] * 4
    for pair in pairs:
        line = lines[pair["pair"] - 1]
        assert (pair["source"], pair["target"]) == (line["src_item_id"], line["tgt_item_id"])
        assert pair["same"] == (line["item_label"] == "1")


def test_doing_the_step_again_shows_where_it_comes_from(make_options: MakeOptions) -> None:
    diverged(make_options)
    replays = replay_step(run_folder("tiny").non_finite, ALONE)
    assert [(each.process, each.batch) for each in replays] == [(0, 0), (0, 1)]
    assert all(each.first_module is not None and each.parameters and len(each.pairs) == 4 for each in replays)
    text = "\n".join(replay_lines(replays))
    for part in ("process 0, batch 1: loss nan", "first output that is not finite: ", "margins not finite: train-"):
        assert part in text


def test_the_state_kept_is_the_one_before_the_step(make_options: MakeOptions) -> None:
    diverged(make_options, "train.save_every=1", "train.log_every=1")
    kept = latest_checkpoint(run_folder("tiny").non_finite)
    saved = latest_checkpoint(run_folder("tiny").checkpoints)
    assert kept is not None
    assert saved is not None
    assert kept.name == saved.name == "step_00000001"
    for name in ("item_encoder.safetensors", "training.safetensors"):
        assert (kept / name).read_bytes() == (saved / name).read_bytes()
    assert report()["step"] == 2


def test_a_step_that_is_finite_this_time_is_said_to_be(make_options: MakeOptions) -> None:
    diverged(make_options)
    folder = run_folder("tiny").non_finite
    calm = run_training(make_options("name=calm", "log.tensorboard=false"), "", ALONE).checkpoint
    record = {**report(), "checkpoint": "calm"}
    (folder / "report.json").write_text(json.dumps(record))
    calm.rename(folder / "calm")
    # The calm run ended with its last step; the step after it is one of a longer run.
    state = json.loads((folder / "calm/state.json").read_text())
    state["run"]["options"]["train"]["steps"] = 99
    (folder / "calm/state.json").write_text(json.dumps(state))
    assert "all is finite this time" in replay_lines(replay_step(folder, ALONE))[-1]


def test_another_number_of_processes_is_refused_with_the_command(make_options: MakeOptions) -> None:
    diverged(make_options)
    with pytest.raises(UserError, match="ran on 1 processes: NPROC=1 python"):
        replay_step(run_folder("tiny").non_finite, Processes(0, 2, torch.device("cpu")))


@pytest.mark.parametrize("content", [None, "", "{}", "[1"])
def test_a_folder_without_a_report_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(UserError, match="no folder that a step"):
        replay._read_report(tmp_path)


def test_endless_overflow_in_float16_leaves_the_same_behind(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "engine.train_state.gradient_scaler", lambda precision, device: torch.amp.GradScaler("cpu", init_scale=2.0**120)
    )
    message = diverged(make_options, "train.precision=float16", "train.max_overflow_steps=4")
    assert "the last 6 steps up to step 6 overflowed in float16" in message
    replays = replay_step(run_folder("tiny").non_finite, ALONE)
    assert all(each.parameters and each.first_module is None for each in replays)


def test_a_stop_saves_no_state_that_comes_after_a_step_that_was_not_finite(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopRequest()
    look = NonFiniteGuard.look_at

    def ask_at_the_third_step(guard: NonFiniteGuard, gradient_norm: torch.Tensor, step: int) -> None:
        look(guard, gradient_norm, step)
        stop.made = step == 2

    monkeypatch.setattr(NonFiniteGuard, "look_at", ask_at_the_third_step)
    with pytest.raises(UserError, match="not a finite number in step 2"):
        run_training(make_options(*DIVERGING, "train.save_every=20"), "", ALONE, stop)
    assert latest_checkpoint(run_folder("tiny").checkpoints) is None


def test_no_process_ends_before_the_first_one_has_written_all(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save = non_finite.save_checkpoint

    def save_slowly(*arguments: object, **named: object) -> Path:
        time.sleep(1.0)
        return save(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(non_finite, "save_checkpoint", save_slowly)

    def diverge(processes: Processes, folder: Path) -> None:
        with pytest.raises(UserError, match="not a finite number in step 2"):
            run_training(make_options(*DIVERGING), "", processes)
        assert (run_folder("tiny").non_finite / "report.json").exists()

    in_processes(2, diverge, tmp_path)
