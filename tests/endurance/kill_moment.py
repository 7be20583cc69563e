"""When a run is killed: at a random moment, in a save, or in an evaluation."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.endurance.demo_run import EVALUATE_EVERY
from tests.endurance.run_files import course, half_written, opening_steps
from tests.endurance.workplace import Command

Aim = Literal["random", "save", "evaluation"]
Victim = Literal["all", "launcher", "rank"]
AIMS: tuple[Aim, ...] = ("random", "random", "save", "random", "random", "evaluation")
VICTIMS: tuple[Victim, ...] = ("all", "launcher", "all", "rank")
IN_SAVE, IN_EVALUATION = 0.03, 0.5
"""Seconds within which a kill follows on the first sign of a save or an evaluation."""
GLANCE = 0.002
"""Seconds between two looks at a run."""


@dataclass(frozen=True, slots=True)
class KillMoment:
    """One planned kill."""

    position: float
    """From 0 to 1 along the uninterrupted run, by its time since the first step."""
    aim: Aim
    delay: float
    """Seconds after the sign that the aim waits for."""
    victim: Victim


def plan_kills(count: int, num_processes: int, chance: random.Random) -> list[KillMoment]:
    """Draw kills that fall evenly on the whole length of a run, in order."""
    longest = {"random": 0.0, "save": IN_SAVE, "evaluation": IN_EVALUATION}
    aims = chance.sample([AIMS[number % len(AIMS)] for number in range(count)], count)
    victims = chance.sample([VICTIMS[number % len(VICTIMS)] for number in range(count)], count)
    positions = sorted(chance.random() for _ in range(count))
    return [
        KillMoment(position, aim, chance.uniform(0.0, longest[aim]), victim if num_processes > 1 else "all")
        for position, aim, victim in zip(positions, aims, victims, strict=True)
    ]


def await_opening(command: Command, run: Path, num_before: int) -> int | None:
    """Wait until the run says that it starts or goes on; return its step, or None if it ends before."""
    if not await_sign(command, lambda: len(opening_steps(run)) > num_before, 0.02):
        return None
    return opening_steps(run)[-1]


def await_moment(command: Command, run: Path, moment: KillMoment, seconds: float) -> bool:
    """Wait for the moment, which lies this many seconds ahead, and for its sign; False if the run ends before."""
    deadline = time.monotonic() + seconds
    leftovers = half_written(run)
    if not await_sign(command, lambda: time.monotonic() >= deadline):
        return False
    if moment.aim == "save" and not await_sign(command, lambda: half_written(run) - leftovers):
        return False
    if moment.aim == "evaluation" and not await_sign(command, lambda: is_evaluating(run)):
        return False
    time.sleep(moment.delay)
    return command.runs


def is_evaluating(run: Path) -> bool:
    """Return whether the last line of the course is one of training, at a step that is evaluated."""
    last = course(run)[-1:]
    return bool(last) and "learning_rate" in last[0] and last[0]["step"] % EVALUATE_EVERY == 0


def await_sign(command: Command, sign: Callable[[], object], glance: float = GLANCE) -> bool:
    """Wait until there is a sign; False if the command ends before."""
    while command.runs:
        if sign():
            return True
        time.sleep(glance)
    return False
