import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from engine import command
from engine.command import fast_import, memory_faults, run_command
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.stop_request import StoppedError, StopRequest
from options.errors import UserError
from tests.engine.conftest import MakeOptions


class Action:
    """Remembers what it was called with, or raises a fault."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.options: ExperimentOptions | None = None
        self.command = ""

    def __call__(self, options: ExperimentOptions, command: str, processes: Processes, stop: StopRequest) -> None:
        assert processes.count == 1
        self.options, self.command = options, command
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def option_file(make_options: MakeOptions) -> str:
    make_options()
    return "tiny.yml"


def run(action: Action, *arguments: str) -> None:
    run_command("Does something.", action, arguments)


def status(action: Action, *arguments: str) -> object:
    with pytest.raises(SystemExit) as ended:
        run(action, *arguments)
    return ended.value.code


def test_help_explains_every_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert status(Action(), "--help") == 0
    text = capsys.readouterr().out
    for part in ("Does something.", "OPTION_FILE", "section.key=value", "--check", "options/REFERENCE.md"):
        assert part in text


def test_the_action_gets_the_options_with_overrides_and_the_command(
    option_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/train.py", option_file, "loss={name: contrastive}"])
    action = Action()
    run(action, option_file, "train.steps=3", "seed=7")
    assert action.options is not None
    assert (action.options.train.steps, action.options.seed) == (3, 7)
    assert action.command == f"train.py {option_file} 'loss={{name: contrastive}}'"


def test_overrides_may_stand_on_both_sides_of_check(option_file: str) -> None:
    run(Action(), option_file, "seed=7", "--check", "train.steps=3")


def test_check_accepts_right_options_and_does_nothing_else(option_file: str) -> None:
    action = Action()
    run(action, option_file, "data.train.items=missing.jsonl", "--check")
    assert action.options is None
    assert not Path("experiments").exists()


@pytest.mark.parametrize("check", [(), ("--check",)])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.yml",), "missing.yml"),
        (("tiny.yml", "train.steps=0"), "command line: train.steps: should be"),
        (("tiny.yml", "trian.steps=1"), "did you mean train"),
        (("tiny.yml", "name=a/b"), "name: should be a folder name without"),
    ],
)
@pytest.mark.usefixtures("option_file")
def test_wrong_options_end_with_status_2_and_the_message(
    arguments: tuple[str, ...], message: str, check: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    action = Action()
    assert status(action, *arguments, *check) == 2
    assert message in capsys.readouterr().err
    assert action.options is None


def test_a_fault_of_the_user_ends_with_status_2_and_its_message(
    option_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(Action(UserError("mend it so")), option_file) == 2
    assert capsys.readouterr().err == "error: mend it so\n"


def test_an_action_that_stopped_on_request_ends_with_status_75_and_says_what_is_kept(
    option_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(Action(StoppedError("step 3 is saved")), option_file) == 75
    assert capsys.readouterr().err == "stopped: step 3 is saved\n"


def test_a_fault_of_ours_keeps_its_traceback(option_file: str) -> None:
    with pytest.raises(ZeroDivisionError):
        run(Action(ZeroDivisionError()), option_file)


@pytest.mark.parametrize(
    ("count", "rank", "fault", "seconds"),
    [
        ("1", "0", UserError("x"), []),
        ("2", "0", UserError("x"), []),
        ("2", "1", UserError("x"), [command.SECONDS_HELD_BACK]),
        ("2", "0", ConnectionError("x"), [command.SECONDS_HELD_BACK]),
        ("1", "0", ConnectionError("x"), []),
    ],
)
def test_a_fault_that_may_follow_from_another_process_is_held_back(
    monkeypatch: pytest.MonkeyPatch, count: str, rank: str, fault: Exception, seconds: list[float]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", count)
    monkeypatch.setenv("RANK", rank)
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    with pytest.raises(type(fault)), command._cause_speaks_first():
        raise fault
    assert waited == seconds


def test_a_held_back_fault_is_not_told_where_torchrun_has_told_the_process_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(SystemExit) as ended, command._cause_speaks_first(lambda: True):
        raise ConnectionError
    assert ended.value.code == 143


def test_check_imports_no_torch(option_file: str) -> None:
    root = Path(__file__).parents[2]
    program = (
        "import sys; from engine.command import run_command; run_command('', print, sys.argv[1:]); "
        "sys.exit(sorted({'torch', 'timm', 'transformers', 'numpy', 'PIL'} & sys.modules.keys()) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, option_file, "--check"],
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_memory_that_torch_is_refused_is_a_fault_that_the_user_can_mend() -> None:
    with pytest.raises(UserError, match=r"out of memory: .*allocate.*halve train\.batch_size"), memory_faults():
        torch.empty(2**58)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError()]
)
def test_the_other_ways_of_running_out_are_told_alike(error: Exception) -> None:
    with pytest.raises(UserError, match=r"out of memory: (CUDA|the system).*evaluate\.batch_size"), memory_faults():
        raise error


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_faults():
        raise RuntimeError("shapes differ")


def test_the_collector_rests_meanwhile_and_leaves_what_is_there_alone_afterwards() -> None:
    made: list[object] = []
    try:
        with fast_import():
            assert not gc.isenabled()
            made.append(made)
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_it_works_again_after_an_import_that_fails() -> None:
    with pytest.raises(ImportError), fast_import():
        import no_such_package  # noqa: F401
    assert gc.isenabled()
    gc.unfreeze()
