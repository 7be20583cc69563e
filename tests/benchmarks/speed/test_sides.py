import os
import time
from functools import partial
from pathlib import Path

import pytest

from benchmarks.speed.sides import Round, Work, in_own_process, interleaved, timed


def noting(file: Path, name: str) -> Work:
    """A side that notes its rounds and its process."""

    def work() -> Round:
        with file.open("a") as stream:
            print(name, file=stream)
        return Round(0.25, (float(os.getpid()),))

    return work


def failing() -> Work:
    """A side that cannot be made."""
    raise ValueError("no such data")


def hungry(num_bytes: int) -> Work:
    """A side that holds some memory."""
    held = b"x" * num_bytes
    return lambda: timed(lambda: len(held))


def test_sides_take_turns_in_processes_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "rounds"
    sides = interleaved({"a": partial(noting, file, "a"), "b": partial(noting, file, "b")}, 3, 1, "turns")
    assert file.read_text().split() == ["a", "b"] * 3
    assert sides["a"].timing.seconds == (0.25, 0.25, 0.25)
    processes = {figures for side in sides.values() for figures in side.figures}
    assert len(processes) == 2
    assert (float(os.getpid()),) not in processes


def test_the_peak_of_memory_is_that_of_the_side_alone() -> None:
    held = 300_000_000
    sides = interleaved({"little": partial(hungry, 1), "much": partial(hungry, held)}, 1, 1, "memory")
    difference = sides["much"].timing.peak_bytes - sides["little"].timing.peak_bytes
    assert 0.8 * held < difference < 1.3 * held


def test_a_side_that_fails_ends_the_measurement() -> None:
    with pytest.raises(RuntimeError, match="broken: the process ended with status 1"):
        interleaved({"broken": failing}, 1, 1, "failure")


def test_a_function_answers_from_another_process() -> None:
    assert in_own_process(os.getpid, 1, "process") != os.getpid()


def test_time_is_measured_in_seconds() -> None:
    assert 0.02 <= timed(lambda: time.sleep(0.02)).seconds < 5
