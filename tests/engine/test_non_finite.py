import json
import time
from pathlib import Path

import pytest
import torch

from engine import non_finite
from engine.checkpoint_folder import latest_checkpoint
from engine.distributed import Processes
from engine.non_finite import NUM_NAMED
from engine.precision import NonFiniteGuard
from engine.run_folder import run_folder
from engine.stop_request import StopRequest
from engine.trainer import run_training
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions
from tests.engine.diverging import DIVERGING, diverged, report
from tests.engine.processes import in_processes


def test_the_message_names_step_learning_rate_items_and_the_command_that_does_it_again(
    make_options: MakeOptions,
) -> None:
    message = diverged(make_options)
    assert "the loss or its gradient is not a finite number in step 2 (learning rate 1e+30, pairs of items " in message
    assert message.count(" and train-") == NUM_NAMED
    assert "`NPROC=1 bash run.sh study replay experiments/tiny/non_finite`" in message


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


def test_the_state_of_an_earlier_failure_at_a_later_step_gives_way(make_options: MakeOptions) -> None:
    later = run_folder("tiny").non_finite / "step_00000009"
    later.mkdir(parents=True)
    diverged(make_options)
    assert not later.exists()
    assert (run_folder("tiny").non_finite / str(report()["checkpoint"])).is_dir()


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

    options = make_options(*DIVERGING)

    def diverge(processes: Processes, folder: Path) -> None:
        with pytest.raises(UserError, match="not a finite number in step 2"):
            run_training(options, "", processes)
        assert (run_folder("tiny").non_finite / "report.json").exists()

    in_processes(2, diverge, tmp_path)
