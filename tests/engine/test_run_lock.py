import errno
import fcntl
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from engine.run_lock import one_at_a_time, sole_user
from options.errors import UserError

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from engine.run_lock import sole_user
with sole_user(Path(sys.argv[1]), "trains"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(lock: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_user_is_refused_with_the_process_that_is_there_until_that_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "run" / ".lock"
    first = holder(lock)
    with pytest.raises(UserError, match=f"run: process {first.pid} trains here already"), sole_user(lock, "trains"):
        pass
    first.kill()
    first.wait()
    with sole_user(lock, "trains"):
        pass


def test_loader_processes_do_not_take_the_lock_over(tmp_path: Path) -> None:
    with sole_user(tmp_path / ".lock", "trains"):
        child = multiprocessing.get_context("fork").Process(target=sys.stdin.read, daemon=True)
        child.start()
    second = holder(tmp_path / ".lock")
    second.kill()
    second.wait()
    child.kill()
    child.join()


@pytest.mark.parametrize("lock", [one_at_a_time, partial(sole_user, what="trains")], ids=["waiting", "alone"])
def test_a_file_system_without_locks_is_named(
    lock: Callable[[Path], AbstractContextManager[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", without_locks)
    with pytest.raises(UserError, match=r"\.lock: .*[Nn]o locks"), lock(tmp_path / ".lock"):
        pass
