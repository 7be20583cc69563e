"""The processes that came of a command, found by a mark in their environment; Linux alone tells it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MARK = "ENDURANCE_RUN"
"""Environment variable that every process inherits, also one that has lost its parents."""
PROC = Path("/proc")


def marked_processes(mark: str) -> list[int]:
    """Return the ids of all processes whose mark begins so, those that have ended left out."""
    wanted = f"\0{MARK}={mark}".encode()
    return [int(folder.name) for folder in PROC.glob("[0-9]*") if wanted in _environment(folder)]


def ranks(mark: str, launcher: int) -> list[int]:
    """Return the ids of the training processes that a launcher started, without their loaders."""
    return [
        process
        for process in marked_processes(mark)
        if _parent(process) == launcher and b"\0LOCAL_RANK=" in _environment(PROC / str(process))
    ]


def kill(processes: list[int]) -> None:
    """Send SIGKILL to all of them at once; those that have ended meanwhile are passed over."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def kill_marked(mark: str, patience: float = 30.0) -> None:
    """Kill all processes of a mark and wait until they are gone; raises TimeoutError if they stay."""
    deadline = time.monotonic() + patience
    while processes := marked_processes(mark):
        kill(processes)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {processes} do not end")
        time.sleep(0.02)


def _environment(folder: Path) -> bytes:
    """Return NAME=VALUE with a zero byte before each; nothing of a process that has ended or is another user's."""
    try:
        return b"\0" + (folder / "environ").read_bytes()
    except OSError:
        return b""


def _parent(process: int) -> int | None:
    try:
        status = (PROC / str(process) / "stat").read_text()
    except OSError:
        return None
    # After the name, which stands in brackets and may hold spaces: the state and the parent.
    return int(status.rpartition(")")[2].split()[1])
