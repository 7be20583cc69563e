"""What the server forks behaves as the process that it stands for."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_server import ENVIRONMENT, ROOT, Started, run, start

LOOK = """
import json, os, signal, sys
import options.errors
print(json.dumps([
    sys.argv, sys.path, os.getcwd(), dict(os.environ), sys.stdin.read(), __name__, sys.stdout.line_buffering,
    sys.stdout.encoding, sys.modules["__main__"].__dict__ is globals(), sorted(globals()), os.listdir("/proc/self/fd"),
    [str(signal.getsignal(number)).split(" at ")[0] for number in signal.valid_signals()],
    sorted(name for name in sys.modules if name.split(".")[0] in ("options", "data", "engine", "tests", "scripts")),
]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    for file in ("look.py", "inner/look.py"):
        (tmp_path / file).write_text(LOOK)
    return tmp_path


def in_a_fresh_process(arguments: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={**os.environ, **ENVIRONMENT}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("started", [["look.py"], ["inner/look.py"], ["-m", "inner.look"], ["-c", LOOK]])
def test_a_command_finds_what_a_fresh_process_finds(started: list[str], folder: Path) -> None:
    ours, fresh = (way([*started, "a", "--b=c d"], folder) for way in (lambda a, f: run(a, cwd=f), in_a_fresh_process))
    assert (ours.returncode, ours.stderr) == (0, "")
    found, expected = json.loads(ours.stdout), json.loads(fresh.stdout)
    for own, other in zip(found, expected, strict=True):
        assert own == other


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", 0),
        ("import sys; print('done'); sys.exit(7)", 7),
        ("raise SystemExit('told')", 1),
        ("import atexit; atexit.register(print, 'at exit')", 0),
        ("open('missing')", 1),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -2),
        ("import os; os.abort()", -6),
    ],
)
def test_it_ends_as_a_fresh_process_ends(code: str, status: int, tmp_path: Path) -> None:
    ours, fresh = run(["-c", code], cwd=tmp_path), in_a_fresh_process(["-c", code], tmp_path)
    assert ours.returncode == fresh.returncode == status
    assert ours.stdout == fresh.stdout
    assert ours.stderr.splitlines()[-1:] == fresh.stderr.splitlines()[-1:]


def wait_for(started: Started, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in started.stdout:
        assert started.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


WAIT = "import os, time; print(os.getpid(), os.getsid(0), flush=True); time.sleep(60)"


@pytest.mark.parametrize("kill", [Started.send_signal, lambda started, number: os.killpg(started.pid, number)])
def test_signals_reach_it_and_its_group(kill: Callable[[Started, signal.Signals], None]) -> None:
    started = start(["-c", WAIT], start_new_session=True)
    other = start(["-c", "print('other')"])
    assert other.communicate() == ("other\n", "")
    wait_for(started, f"{started.pid} {started.pid}\n")
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(0.01)
    kill(started, signal.SIGTERM)
    assert started.wait(20) == started.poll() == -signal.SIGTERM
    assert not Path(f"/proc/{started.pid}").exists()
    started.send_signal(signal.SIGTERM)  # to nobody


def test_what_is_ignored_here_is_ignored_there() -> None:
    code = "import signal; print(signal.getsignal(signal.SIGHUP).name, signal.getsignal(signal.SIGTERM).name)"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(["-c", code]).stdout == "SIG_IGN SIG_DFL\n"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_code_is_read_when_a_command_starts(tmp_path: Path) -> None:
    for answer in ("one", "another"):
        (tmp_path / "helper.py").write_text(f"ANSWER = {answer!r}\n")
        assert run(["-c", "import helper; print(helper.ANSWER)"], cwd=tmp_path).stdout == f"{answer}\n"


def test_commands_draw_different_random_numbers() -> None:
    code = "import random, numpy; print(random.random(), numpy.random.rand())"
    one, other = (run(["-c", code]).stdout.split() for _ in range(2))
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_variables_that_libraries_have_read_already_are_refused() -> None:
    environment = {**os.environ, **ENVIRONMENT, "OMP_NUM_THREADS": "2", "HF_HOME": "elsewhere", "PLAIN": "x"}
    with pytest.raises(ValueError, match="HF_HOME, OMP_NUM_THREADS: the server has other values"):
        run(["-c", ""], env=environment)


def test_a_model_is_built_without_waiting_for_a_lock() -> None:
    code = "import torch; layer = torch.nn.Linear(64, 64); layer(torch.ones(8, 64)).sum().backward(); print('built')"
    assert run(["-c", code]).stdout == "built\n"
    assert (ROOT / "train.py").exists()
