import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.study.ablation.process import FORWARDED, run_forwarding_signals

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

    before = [signal.getsignal(each) for each in FORWARDED]
    threading.Thread(target=ask_to_stop).start()
    assert run_forwarding_signals([sys.executable, "-c", PATIENT, str(started)], os.environ) == 75
    assert started.with_suffix(".count").read_text() == "1"
    assert [signal.getsignal(each) for each in FORWARDED] == before


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
