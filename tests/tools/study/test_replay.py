import json
from pathlib import Path

import pytest
import torch

from engine.checksums import write_checksums
from engine.distributed import Processes
from engine.run_folder import run_folder
from engine.trainer import run_training
from options.errors import UserError
from tests.command_line import run_command
from tests.engine.conftest import ALONE, MakeOptions
from tests.engine.diverging import diverged, report
from tools.study.replay import replay_lines, replay_step


def test_doing_the_step_again_shows_where_it_comes_from(make_options: MakeOptions) -> None:
    diverged(make_options)
    replays = replay_step(run_folder("tiny").non_finite, ALONE)
    assert [(each.process, each.batch) for each in replays] == [(0, 0), (0, 1)]
    assert all(each.first_module is not None and each.parameters and len(each.pairs) == 4 for each in replays)
    text = run_command("study", "replay", run_folder("tiny").non_finite).stdout
    assert text.splitlines() == replay_lines(replays)
    for part in ("process 0, batch 1: loss nan", "first output that is not finite: ", "margins not finite: train-"):
        assert part in text


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
    write_checksums(folder / "calm")
    assert "all is finite this time" in replay_lines(replay_step(folder, ALONE))[-1]


def test_another_number_of_processes_is_refused_with_the_command(make_options: MakeOptions) -> None:
    diverged(make_options)
    with pytest.raises(UserError, match="ran on 1 processes: NPROC=1 bash"):
        replay_step(run_folder("tiny").non_finite, Processes(0, 2, torch.device("cpu")))


@pytest.mark.parametrize("content", [None, "", "{}", "[1"])
def test_a_folder_without_a_report_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(UserError, match="no folder that a step" if content is None else "is damaged"):
        replay_step(tmp_path, ALONE)


def test_endless_overflow_in_float16_leaves_the_same_behind(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "engine.training.gradient_scaler", lambda precision, device: torch.amp.GradScaler("cpu", init_scale=2.0**120)
    )
    message = diverged(make_options, "train.precision=float16", "train.max_overflow_steps=4")
    assert "the last 6 steps up to step 6 overflowed in float16" in message
    replays = replay_step(run_folder("tiny").non_finite, ALONE)
    assert all(each.parameters and each.first_module is None for each in replays)
