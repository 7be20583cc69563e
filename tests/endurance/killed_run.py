"""One run, left alone and then killed a number of times."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.endurance.demo_run import run_folder, run_place
from tests.endurance.kill_moment import KillMoment, Victim, await_moment, await_opening, plan_kills
from tests.endurance.processes import kill, kill_marked, marked_processes, ranks
from tests.endurance.run_comparison import differences
from tests.endurance.run_files import checkpoints, half_written, opening_steps
from tests.endurance.workplace import Command, Workplace

LAUNCHER_PATIENCE = 120.0
"""Seconds that a launcher may take to notice that one of its processes was killed."""
ORPHANS_LIVE = 0.3
"""Seconds that processes go on for whose launcher was killed, before they are killed as well."""
LONGEST_BARREN = 3
"""Runs in a row that end before they are killed."""


class Run(Protocol):
    """What is trained, on how many processes."""

    @property
    def title(self) -> str:
        """Return a name for the folders that it runs in."""

    @property
    def steps(self) -> int:
        """Return the number of steps."""

    @property
    def num_processes(self) -> int:
        """Return the number of processes that train."""

    def start(self, place: Workplace, folder: Path) -> Command:
        """Start the run in a folder, or start it again."""


@dataclass(frozen=True, slots=True)
class KillTally:
    """How many kills there were, and of what kinds."""

    kills: int = 0
    passed: int = 0
    """Kills of runs that ended with the right bits."""
    half_written: int = 0
    """Kills that left a checkpoint half-written."""
    aims: Counter[str] = field(default_factory=Counter)
    victims: Counter[str] = field(default_factory=Counter)
    faults: tuple[str, ...] = ()

    def __add__(self, other: KillTally) -> KillTally:
        return KillTally(
            self.kills + other.kills,
            self.passed + other.passed,
            self.half_written + other.half_written,
            self.aims + other.aims,
            self.victims + other.victims,
            self.faults + other.faults,
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """A run that was left alone."""

    folder: Path
    seconds: float
    """From the opening line of its log to its last checkpoint."""


class RunError(Exception):
    """A run does not do what it should."""


def kill_runs(
    place: Workplace, run: Run, count: int, chance: random.Random, on_kill: Callable[[], object]
) -> KillTally:
    """Kill runs `count` times, as many runs as that takes, each of which is started again until it ends."""
    tally, barren = KillTally(), 0
    try:
        reference = _left_alone(place, run)
        for number in range(count + LONGEST_BARREN):
            if tally.kills == count or barren == LONGEST_BARREN:
                break
            moments = plan_kills(count - tally.kills, run.num_processes, chance)
            killed = _killed_run(place, run, f"{run.title}_killed_{number}", reference, moments, on_kill)
            tally += killed
            barren = 0 if killed.kills else barren + 1
    except RunError as fault:
        return tally + KillTally(faults=(str(fault),))
    missing = (f"{run.title}: only {tally.kills} of {count} kills found it running",) if tally.kills < count else ()
    return tally + KillTally(faults=missing)


def _left_alone(place: Workplace, run: Run) -> Reference:
    name = f"{run.title}_whole"
    start_folder = run_place(place, name)
    folder = run_folder(start_folder)
    command = run.start(place, start_folder)
    await_opening(command, folder, 0)
    opened = time.time()
    status, _ = command.finish()
    if status:
        raise RunError(f"{name} ended with status {status}: {command.last_words()}")
    return Reference(folder, checkpoints(folder)[-1].stat().st_mtime - opened)


def _killed_run(
    place: Workplace,
    run: Run,
    name: str,
    reference: Reference,
    moments: Sequence[KillMoment],
    on_kill: Callable[[], object],
) -> KillTally:
    """Kill a run at these moments, as far as it lasts, and compare how it ends."""
    start_folder = run_place(place, name)
    folder = run_folder(start_folder)
    tally = KillTally()
    for moment in moments:
        num_starts = len(opening_steps(folder))
        command = run.start(place, start_folder)
        first_step = await_opening(command, folder, num_starts)
        if first_step is None:
            break
        seconds = (moment.position - first_step / run.steps) * reference.seconds
        if not (await_moment(command, folder, moment, seconds) and _strike(command, moment.victim)):
            break
        tally += KillTally(1, 0, int(bool(half_written(folder))), Counter([moment.aim]), Counter([moment.victim]))
        on_kill()
    else:
        command = run.start(place, start_folder)
    status, _ = command.finish()
    if status:
        again = f"{name}, started again after {tally.kills} kills, ended with status {status}"
        return tally + KillTally(faults=(f"{again}: {command.last_words()}",))
    found = tuple(f"{name}, killed {tally.kills} times: {fault}" for fault in differences(reference.folder, folder))
    return tally + KillTally(passed=0 if found else tally.kills, faults=found)


def _strike(command: Command, victim: Victim) -> bool:
    """Kill, and see to it that nothing is left; False if the run had already ended by itself.

    Raises:
        RunError: a launcher does not notice that one of its processes is gone.
    """
    launcher = command.process.pid
    victims = {
        "all": lambda: marked_processes(command.mark),
        "launcher": lambda: [launcher],
        "rank": lambda: ranks(command.mark, launcher)[-1:],
    }
    kill(victims[victim]())
    try:
        status = command.process.wait(LAUNCHER_PATIENCE)
    except subprocess.TimeoutExpired:
        raise RunError(f"the launcher still runs {LAUNCHER_PATIENCE:.0f} s after a process was killed") from None
    finally:
        time.sleep(ORPHANS_LIVE if victim == "launcher" else 0.0)
        kill_marked(command.mark)
    return status != 0
