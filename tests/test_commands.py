"""The commands as a user starts them, each in processes of its own.

What torchrun starts, and what is to call no network, are fresh processes.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.experiment import ExperimentOptions
from engine.predictor import run_prediction
from engine.trainer import run_training
from options.read import read_options
from options.yaml_values import to_yaml
from tests.command_server import ENVIRONMENT, ROOT, Started, run, start
from tests.engine.conftest import ALONE
from tests.tiny_data import option_tree

TRAIN = ROOT / "train.py"


def launch(folder: Path, *arguments: object, num_processes: int = 1, **more: str) -> Started:
    """Start engine.launch, whose processes are no forks: that of one command is this one, those of several its own."""
    environment = {**os.environ, **ENVIRONMENT, "NPROC": str(num_processes), **more}
    return start(["-m", "engine.launch", *arguments], cwd=folder, env=environment, start_new_session=True)


def launched(folder: Path, *arguments: object, num_processes: int = 1) -> tuple[int, str, str]:
    process = launch(folder, *arguments, num_processes=num_processes)
    stdout, stderr = process.communicate()
    return process.wait(), stdout, stderr


@pytest.fixture
def folder(tmp_path: Path, tiny_dataset: Path) -> Path:
    (tmp_path / "tiny.yml").write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    return tmp_path


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder as the current one and one thread, as a started command has; what needs no process runs so."""
    monkeypatch.chdir(folder)
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(num_threads)


def options_here(*overrides: str) -> ExperimentOptions:
    return read_options(ExperimentOptions, Path("tiny.yml"), overrides)


def course(folder: Path, name: str) -> list[dict[str, float]]:
    text = (folder / "experiments" / name / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    return [{key: value for key, value in line.items() if key != "pairs_per_second"} for line in lines]


def losses(folder: Path, name: str) -> list[float]:
    return [line["loss"] for line in course(folder, name) if "loss" in line]


FAULTY = """
import os, sys
from engine import trainer
from engine.command import run_command
sys.path.insert(0, {root!r})
import train

take_steps = trainer.train

def fail_once(*arguments):
    if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        arguments[-1]._log.line("before")
        raise ZeroDivisionError("a fault of the second process")
    take_steps(*arguments)

trainer.train = fail_once
run_command("", train.train)
"""


def test_two_processes_train_and_predict_as_one_with_twice_the_batch_even_if_a_fault_restarts_them(here: Path) -> None:
    shared = ("loss.in_batch_negatives={weight: 1.0}", "log.tensorboard=false", "train.log_every=1")
    run_training(options_here("name=one", "train.batch_size=8", *shared), "", ALONE)
    (here / "faulty.py").write_text(FAULTY.format(root=str(ROOT)))
    process = launch(here, "faulty.py", "tiny.yml", "name=two", *shared, num_processes=2, PET_MAX_RESTARTS="1")
    stdout, stderr = process.communicate()
    assert stderr.count("Traceback") == stderr.count("ZeroDivisionError: a fault of the second process") == 1
    assert process.returncode == 0
    assert "best checkpoint" in stdout
    assert losses(here, "two") == pytest.approx(losses(here, "one"), rel=1e-4)
    predicting = [
        start([ROOT / "predict.py", "tiny.yml", "name=two"], cwd=here, env={**os.environ, **ENVIRONMENT, **place})
        for place in places_of_two()
    ]
    assert [process.wait() for process in predicting] == [0, 0]
    by_two = here / "experiments/two/predictions/test.jsonl"
    checkpoint = f"predict.checkpoint={here}/experiments/two/checkpoints/step_00000006"
    run_prediction(options_here("name=alone", checkpoint, "predict.threshold=0.0"), ALONE)
    assert by_two.read_bytes() == (here / "experiments/alone/predictions/test.jsonl").read_bytes()


def places_of_two() -> list[dict[str, str]]:
    """What torchrun tells two processes of their places."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    return [{**shared, "LOCAL_WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")]


def wait_for(file: Path, process: Started) -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


LONG = ("tiny.yml", "train.steps=4000", "train.save_every=5", "train.evaluate_every=2000", "log.tensorboard=false")


@pytest.mark.parametrize(("num_processes", "number"), [(1, signal.SIGTERM), (2, signal.SIGINT)])
def test_a_run_refuses_another_in_its_folder_and_when_told_to_stop_saves_and_ends_with_status_75(
    folder: Path, num_processes: int, number: signal.Signals
) -> None:
    alone = num_processes == 1
    process = start([TRAIN, *LONG], cwd=folder) if alone else launch(folder, TRAIN, *LONG, num_processes=2)
    checkpoints = folder / "experiments/tiny/checkpoints"
    wait_for(checkpoints / "step_00000005", process)
    if alone:
        refused = run([TRAIN, *LONG], cwd=folder)
        assert refused.returncode == 2
        assert f"error: experiments/tiny: process {process.pid} trains here already" in refused.stderr
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "Traceback" not in stderr
    told = re.search(r"stopped: step (\d+) of 4000 is saved; run the same command again to go on", stderr)
    assert told is not None
    assert max(checkpoints.glob("step_*")).name == f"step_{int(told[1]):08d}"
    assert not list(folder.glob("experiments/tiny/checkpoints/.writing*"))


def workers(launcher: int) -> list[int]:
    """Return the training processes of a launcher, by rank."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    ranks = {}
    for child in map(int, children):
        variables = Path(f"/proc/{child}/environ").read_text().split("\0")
        rank = [value.removeprefix("RANK=") for value in variables if value.startswith("RANK=")]
        if rank:
            ranks[int(rank[0])] = child
    return [ranks[rank] for rank in sorted(ranks)]


def test_a_killed_process_ends_the_others_within_seconds_and_its_end_is_told_first(folder: Path) -> None:
    process = launch(folder, TRAIN, *LONG, num_processes=2)
    wait_for(folder / "experiments/tiny/checkpoints/step_00000005", process)
    first, second = workers(process.pid)
    started = time.monotonic()
    os.kill(second, signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert time.monotonic() - started < 30
    assert process.returncode == 128 + signal.SIGKILL
    assert "error: process 1 was ended by SIGKILL. The machine may have run out of memory" in stderr
    assert "Traceback" not in stderr
    assert not Path(f"/proc/{first}").exists()


OFFLINE = """
import sys
sys.path.insert(0, {root!r})

def refuse(event, arguments):
    # Addresses of the network are tuples; loader processes talk over files of their own.
    reaches_out = event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple)
    if reaches_out or event in ("socket.getaddrinfo", "urllib.Request"):
        raise AssertionError(f"a network call: {{event}} {{arguments}}")

sys.addaudithook(refuse)
from engine.command import run_command
import predict, train

run_command("", train.train, sys.argv[1:])
run_command("", predict.predict, sys.argv[1:])
"""


def test_training_and_prediction_from_local_folders_make_no_network_call(folder: Path) -> None:
    (folder / "offline.py").write_text(OFFLINE.format(root=str(ROOT)))
    variables = {name: value for name, value in {**os.environ, **ENVIRONMENT}.items() if name != "HF_HUB_OFFLINE"}
    ended = subprocess.run(
        [sys.executable, "offline.py", "tiny.yml", "data.workers=1"],
        cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "a network call" not in ended.stderr
    assert (folder / "experiments/tiny/predictions/test.jsonl").exists()


def test_a_bad_image_ends_both_processes_with_one_message_and_status_2(here: Path, tiny_dataset: Path) -> None:
    images = here / "images"
    shutil.copytree(tiny_dataset / "images", images)
    broken = next(images.glob("train0.*"))
    broken.unlink()
    broken.write_bytes(b"no image")
    status, _, stderr = launched(
        here, TRAIN, "tiny.yml", f"data.train.images={images}", "data.workers=1", num_processes=2
    )
    assert status == 2
    assert stderr.count(f"{broken}: unreadable image") == 1
    assert "Traceback" not in stderr
    run_training(options_here(f"data.train.images={images}", "data.image.on_bad_image=blank"), "", ALONE)
    log = (here / "experiments/tiny/train.log").read_text()
    assert "unreadable images replaced so far: 1 in train, 0 in val" in log
    assert json.loads((here / "experiments/tiny/blank_images.json").read_text())["train"] == ["train-0"]


@pytest.mark.parametrize("num_processes", [1, 2])
def test_a_wrong_option_file_is_answered_at_once_and_without_a_traceback(folder: Path, num_processes: int) -> None:
    status, _, stderr = launched(folder, TRAIN, "tiny.yml", "trian.steps=3", num_processes=num_processes)
    assert status == 2
    assert "did you mean train" in stderr
    assert "Traceback" not in stderr


def test_help_explains_the_arguments(folder: Path) -> None:
    status, stdout, _ = launched(folder, TRAIN, "--help")
    assert status == 0
    assert "OPTION_FILE" in stdout
    assert "section.key=value" in stdout
