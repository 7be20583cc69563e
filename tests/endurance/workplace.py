"""The folder in which the trials run commands, and the commands as a user starts them."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.endurance.peak_memory import peak_bytes
from tests.endurance.processes import MARK, kill_marked

REPOSITORY = Path(__file__).resolve().parents[2]
LONGEST_COMMAND = 600.0
"""Seconds after which a command counts as hanging."""
GLANCE = 0.05
"""Seconds between two looks at how much memory a command holds."""
Result = TypeVar("Result")


@dataclass(slots=True)
class Workplace:
    """A folder that everything is written to; `datasets/demo` and `experiments/` are in it."""

    root: Path
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _is_closed: bool = False

    def start(
        self, arguments: Sequence[str | Path], *, num_processes: int = 1, folder: Path | None = None,
        before: Sequence[str] = (),
    ) -> Command:  # fmt: skip
        """Start `python -m engine.launch ...` in the folder; `before` is a command that starts others."""
        assert not self._is_closed, "the trials are being stopped"
        mark = f"{self._mark}.{next(self._numbers)}."
        output = self.root / "output" / f"{mark}txt"
        output.parent.mkdir(exist_ok=True)
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [*before, sys.executable, "-m", "engine.launch", *map(str, arguments)],
                cwd=folder or self.root,
                env=_environment(mark, num_processes),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Command(process, mark, output)

    def in_lanes(self, jobs: Sequence[Callable[[], Result]], processes_each: int = 1) -> list[Result]:
        """Do the jobs, as many at a time as there are cores for their processes; return their results in order."""
        lanes = max(1, len(os.sched_getaffinity(0)) // processes_each)
        with ThreadPoolExecutor(lanes) as pool:
            futures = [pool.submit(job) for job in jobs]
            try:
                return [future.result() for future in futures]
            except BaseException:
                # Else leaving the pool would wait for all that is left to do.
                pool.shutdown(wait=False, cancel_futures=True)
                self.close()
                raise

    def close(self) -> None:
        """Start nothing more and end every process that was started here."""
        self._is_closed = True
        kill_marked(self._mark)


@dataclass(frozen=True, slots=True)
class Command:
    """A started command with all its processes."""

    process: subprocess.Popen[bytes]
    mark: str
    _output: Path

    @property
    def runs(self) -> bool:
        """Whether the process that was started first has not ended."""
        return self.process.poll() is None

    def finish(self, patience: float = LONGEST_COMMAND) -> tuple[int, str]:
        """Wait for the end; return the exit status and all output.

        What outlives the command is killed, and so is a command that hangs: its status is then -9.
        """
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        kill_marked(self.mark)
        return self.process.wait(), self.output()

    def finish_measured(self) -> tuple[int, int]:
        """Wait for the end of a command of one process; return the exit status and its most memory, in bytes."""
        peak = 0
        while self.process.poll() is None:
            peak = max(peak, peak_bytes(self.process.pid))
            time.sleep(GLANCE)
        kill_marked(self.mark)
        return self.process.wait(), peak

    def kill(self) -> None:
        """Kill all its processes and wait until they are gone."""
        kill_marked(self.mark)
        self.process.wait()

    def output(self) -> str:
        """Return what was printed until now."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        """Return the last line that was printed, for a message."""
        lines = self.output().strip().splitlines()
        return lines[-1] if lines else "nothing was printed"


def _environment(mark: str, num_processes: int) -> dict[str, str]:
    """The CPU alone, so that any machine can take two processes, and one thread each, so that sums are equal."""
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "NPROC": str(num_processes),
        MARK: mark,
    }
