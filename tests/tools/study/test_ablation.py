import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.disk import write_json
from engine.launch import SIGNALS
from engine.run_folder import run_folder
from engine.trainer import run_training
from options.errors import UserError
from tests.engine.conftest import ALONE
from tests.tools.study.conftest import QUICK
from tools.study.ablation import AblationRun, ablation_runs, is_done, run_forwarding_signals, train

PATIENT = """
import pathlib, signal, sys, time
count = 0
def handle(number, frame):
    global count
    count += 1
    pathlib.Path(sys.argv[1]).with_suffix(".count").write_text(str(count))
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, handle)
pathlib.Path(sys.argv[1]).touch()
while not count:
    time.sleep(0.01)
time.sleep(0.3)
sys.exit(75)
"""


@pytest.mark.usefixtures("tiny_ablations")
def test_every_ablation_has_a_run_of_each_seed_the_reference_first() -> None:
    runs = ablation_runs("study", [0, 7], ["train.steps=3"])
    assert [run.options.name for run in runs] == [
        "study_full-seed0", "study_a_shared-seed0", "study_full-seed7", "study_a_shared-seed7",
    ]  # fmt: skip
    assert [run.options.seed for run in runs] == [0, 0, 7, 7]
    assert {run.options.train.steps for run in runs} == {3}
    assert [run.options.model.share_encoders for run in runs] == [False, True, False, True]


def test_the_reference_of_the_shipped_ablations_is_the_whole_model() -> None:
    assert [run.option_file.stem for run in ablation_runs("ablation", [0], [])][:2] == ["full", "contrastive"]


@pytest.mark.usefixtures("tiny_ablations")
def test_overrides_that_go_with_no_ablation_are_refused() -> None:
    with pytest.raises(UserError, match=r"train\.stepz"):
        ablation_runs("study", [0], ["train.stepz=3"])


@pytest.fixture
def trained(tiny_ablations: Path) -> AblationRun:
    run = ablation_runs("study", [0], QUICK)[0]
    assert not is_done(run)
    run_training(run.options, "", ALONE)
    return run


def test_a_run_is_done_and_its_study_takes_no_other_options(trained: AblationRun) -> None:
    assert is_done(trained)
    assert ablation_runs("study", [0], QUICK)[0] == trained
    for change in ("train.steps=3", "train.clip_norm=0.5"):
        with pytest.raises(UserError, match=r"study_full-seed0/options\.yml: this run was begun with other options"):
            ablation_runs("study", [0], [*QUICK, change])
        assert not is_done(ablation_runs("other", [0], [*QUICK, change])[0])


def test_a_run_that_broke_off_its_last_evaluation_or_record_is_not_done(trained: AblationRun) -> None:
    folder = run_folder(trained.options.name)
    recorded = json.loads(folder.result.read_text())
    write_json(folder.result, {**recorded, "step": 1})
    assert not is_done(trained)
    for text in ("{", "[]", "{}", '{"step": "2"}', '{"step": NaN}', "\x00"):
        folder.result.write_text(text)
        assert not is_done(trained)
    folder.result.unlink()
    assert not is_done(trained)
    write_json(folder.result, recorded)
    assert is_done(trained)
    file = folder.checkpoints / "step_00000002/state.json"
    whole = file.read_text()
    file.write_text(whole.replace('"evaluation_due": false', '"evaluation_due": true'))
    assert not is_done(trained)
    file.write_text(whole[:40])
    assert not is_done(trained)


@pytest.mark.usefixtures("tiny_ablations")
def test_a_run_is_trained_by_a_process_of_its_own_whose_status_is_returned() -> None:
    run = ablation_runs("study", [3], QUICK)[0]
    assert train(run) == 0
    assert is_done(run)
    assert train(replace(run, option_file=Path("nowhere.yml"))) == 2


@pytest.mark.parametrize("status", [0, 2, 75])
def test_the_status_is_that_of_the_command(status: int) -> None:
    assert run_forwarding_signals([sys.executable, "-c", f"raise SystemExit({status})"], os.environ) == status


def test_a_command_that_a_signal_ended_says_so_by_its_status() -> None:
    assert run_forwarding_signals([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], os.environ) == 137


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_command_once_and_its_end_is_waited_for(tmp_path: Path, number: signal.Signals) -> None:
    started = tmp_path / "started"

    def ask_to_stop() -> None:
        while not started.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    before = [signal.getsignal(each) for each in SIGNALS]
    threading.Thread(target=ask_to_stop).start()
    assert run_forwarding_signals([sys.executable, "-c", PATIENT, str(started)], os.environ) == 75
    assert started.with_suffix(".count").read_text() == "1"
    assert [signal.getsignal(each) for each in SIGNALS] == before


@pytest.mark.skipif(sys.platform != "linux", reason="the system ends a process with its parent on Linux alone")
def test_the_command_does_not_outlive_a_kill(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
    parent = os.fork()
    if parent == 0:
        run_forwarding_signals([sys.executable, "-c", code, str(started)], os.environ)
        os._exit(1)
    while not (started.exists() and started.read_text()):
        time.sleep(0.01)
    child = int(started.read_text())
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    deadline = time.monotonic() + 10
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_alive(child)


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
