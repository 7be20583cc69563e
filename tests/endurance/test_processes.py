import os
import subprocess
import sys
import time
import uuid

from tests.endurance.processes import MARK, kill_marked, marked_processes, ranks

ORPHAN = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
PARENT = (
    "import os, subprocess, sys, time\n"
    "for environment in ({}, {'LOCAL_RANK': '0'}):\n"
    "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], env={**os.environ, **environment})\n"
    "time.sleep(60)"
)


def wait_for(mark: str, count: int) -> list[int]:
    deadline = time.monotonic() + 20
    while len(found := marked_processes(mark)) != count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_a_process_that_has_lost_its_parent_is_found_and_killed() -> None:
    mark = uuid.uuid4().hex
    subprocess.run([sys.executable, "-c", ORPHAN], env={**os.environ, MARK: mark}, check=True)
    wait_for(mark, 1)
    kill_marked(mark)
    assert marked_processes(mark) == []


def test_the_processes_of_a_launcher_that_train_are_its_ranks() -> None:
    mark = uuid.uuid4().hex
    launcher = subprocess.Popen([sys.executable, "-c", PARENT], env={**os.environ, MARK: mark})
    found = wait_for(mark, 3)
    deadline = time.monotonic() + 20
    while len(own := ranks(mark, launcher.pid)) != 1:
        assert time.monotonic() < deadline
    assert set(own) < set(found)
    kill_marked(mark)
    assert launcher.wait() == -9
