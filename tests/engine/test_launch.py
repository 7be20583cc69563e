import logging
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import launch
from engine.launch import MALLOC_SETTINGS, keep_freed_memory


class ReplacedError(Exception):
    """Stands for the process that became another program."""


class Machine:
    """Notes what is started instead of starting it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.started: list[list[str]] = []
        self.check_status = self.run_status = 0
        patch.setattr(os, "execv", self.execv)
        patch.setattr(subprocess, "run", self.check)
        patch.setattr(launch, "_torchrun", self.torchrun)

    def execv(self, program: str, arguments: list[str]) -> None:
        assert program == sys.executable
        self.started.append(["exec", *arguments[1:]])
        raise ReplacedError

    def check(self, arguments: list[str], check: bool) -> subprocess.CompletedProcess[bytes]:
        self.started.append(["check", *arguments[1:]])
        return subprocess.CompletedProcess(arguments, self.check_status)

    def torchrun(self, command: list[str], num_processes: int, among_machines: bool) -> int:
        self.started.append(["torchrun", str(num_processes), *command])
        self.among_machines = among_machines
        return self.run_status


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name in ("NPROC", "CUDA_VISIBLE_DEVICES", "PET_NNODES", "PET_MAX_RESTARTS"):
        monkeypatch.delenv(name, raising=False)
    for name in MALLOC_SETTINGS:
        monkeypatch.setenv(name, "0")
        monkeypatch.delenv(name)
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: iter([]))
    return Machine(monkeypatch)


def gpus(patch: pytest.MonkeyPatch, count: int) -> None:
    def glob(folder: Path, pattern: str) -> list[Path]:
        assert (str(folder), pattern) == ("/dev", "nvidia[0-9]*")
        return [folder / f"nvidia{number}" for number in range(count)]

    patch.setattr(Path, "glob", glob)


def launched(patch: pytest.MonkeyPatch, *command: str) -> object:
    patch.setattr(sys, "argv", ["engine.launch", *command])
    with pytest.raises(SystemExit) as ended:
        launch.main()
    return ended.value.code


@pytest.mark.parametrize(("named", "count"), [("1", 1), ("2", 2), ("16", 16), ("", 4)])
def test_nproc_is_the_number_of_processes_and_the_gpus_are_without_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, named: str, count: int
) -> None:
    gpus(monkeypatch, 4)
    monkeypatch.setenv("NPROC", named)
    assert launch._num_processes() == count


@pytest.mark.parametrize("named", ["0", "-1", "two", "1.5", " 2"])
def test_any_other_nproc_is_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    monkeypatch.setenv("NPROC", named)
    assert launched(monkeypatch, "train.py", "a.yml") == 2
    assert capsys.readouterr().err == f"error: NPROC should be a number of processes, 1 or more, not {named!r}\n"
    assert machine.started == []


@pytest.mark.parametrize(
    ("num_gpus", "visible", "count"),
    [(0, None, 1), (1, None, 1), (4, None, 4), (4, "", 1), (4, "2", 1), (4, "0,3", 2), (4, "GPU-a, GPU-b,", 2)],
)
def test_the_visible_gpus_are_counted(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, num_gpus: int, visible: str | None, count: int
) -> None:
    gpus(monkeypatch, num_gpus)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert launch._num_processes() == count


@pytest.mark.parametrize(("nproc", "argument"), [("1", "seed=1"), ("2", "--help"), ("2", "-h")])
def test_one_process_and_help_run_the_command_as_it_is(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, nproc: str, argument: str
) -> None:
    monkeypatch.setenv("NPROC", nproc)
    monkeypatch.setattr(sys, "argv", ["engine.launch", "train.py", "a.yml", argument])
    with pytest.raises(ReplacedError):
        launch.main()
    assert machine.started == [["exec", "train.py", "a.yml", argument]]


@pytest.mark.parametrize("status", [0, 1, 2, 137])
def test_several_processes_are_started_once_the_options_are_found_right(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("NPROC", "2")
    machine.run_status = status
    assert launched(monkeypatch, "train.py", "a.yml") == status
    assert machine.started == [["check", "train.py", "a.yml", "--check"], ["torchrun", "2", "train.py", "a.yml"]]


def test_wrong_options_start_no_processes(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPROC", "2")
    machine.check_status = 2
    assert launched(monkeypatch, "train.py", "a.yml") == 2
    assert [started[0] for started in machine.started] == ["check"]


def test_one_process_a_machine_on_several_machines_is_started_by_torchrun(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PET_NNODES", "2")
    assert launched(monkeypatch, "train.py", "a.yml") == 0
    assert machine.started[-1] == ["torchrun", "1", "train.py", "a.yml"]
    assert machine.among_machines


@pytest.mark.parametrize("nproc", ["1", "2"])
def test_machines_apart_each_start_their_own_processes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, nproc: str
) -> None:
    monkeypatch.setenv("PET_NNODES", "2")
    monkeypatch.setenv("NPROC", nproc)
    if nproc == "1":
        with pytest.raises(ReplacedError):
            launched(monkeypatch, "--apart", "embed.py", "a.yml")
        assert machine.started == [["exec", "embed.py", "a.yml"]]
    else:
        assert launched(monkeypatch, "--apart", "embed.py", "a.yml") == 0
        assert machine.started == [["check", "embed.py", "a.yml", "--check"], ["torchrun", "2", "embed.py", "a.yml"]]
        assert not machine.among_machines


def test_restarts_are_torchruns_also_with_one_process(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PET_MAX_RESTARTS", "2")
    assert launched(monkeypatch, "train.py", "demo.yml") == 0
    assert machine.started[-1] == ["torchrun", "1", "train.py", "demo.yml"]


@pytest.mark.parametrize(
    ("cores", "named", "threads"), [(8, None, "4"), (2, None, "1"), (1, None, "1"), (None, None, "1"), (8, "3", "3")]
)
def test_each_process_has_its_share_of_the_cores_and_one_thread_at_least(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, named: str | None, threads: str
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("torch.distributed.run.main", started.append)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    for name in ("OMP_NUM_THREADS", "TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"):
        monkeypatch.setenv(name, "0")  # so that it is as before after the test
        monkeypatch.delenv(name)
    if named is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", named)
    monkeypatch.setattr(logging, "disable", lambda level: None)
    assert launch._torchrun(["train.py", "a.yml"], 2 if cores != 2 else 3, among_machines=False) == 0
    assert os.environ["OMP_NUM_THREADS"] == threads
    assert started[0][-2:] == ["train.py", "a.yml"]


def test_what_is_started_keeps_the_memory_of_freed_tensors(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    with pytest.raises(ReplacedError):
        launched(monkeypatch, "train.py", "a.yml")
    assert machine.started
    assert {name: os.environ[name] for name in MALLOC_SETTINGS} == MALLOC_SETTINGS


PROGRAM = """
import resource
for _ in range(20):
    bytearray(1 << 26)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults() -> int:
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    return int(answer.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have settings of their own")
def test_large_blocks_are_cleared_by_the_system_once_and_not_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MALLOC_SETTINGS:
        monkeypatch.setenv(name, "0")  # so that it is as before after the test
        monkeypatch.delenv(name)
    before = page_faults()
    keep_freed_memory()
    assert page_faults() < before / 4


def test_settings_of_the_user_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MALLOC_SETTINGS:
        monkeypatch.setenv(name, "7")
    keep_freed_memory()
    assert {os.environ[name] for name in MALLOC_SETTINGS} == {"7"}


ROOT = Path(__file__).parents[2]
CHILD = (
    "import time; from engine.launch import end_with_parent; end_with_parent(); print('up', flush=True); time.sleep(60)"
)
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such call")
def test_a_process_ends_with_the_one_that_started_it() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = Path(f"/proc/{parent.stdout.readline().strip()}/stat")
    assert child.exists()
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while child.exists() and child.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)
