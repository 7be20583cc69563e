"""Runs that are killed again and again, and end with the bits of a run that was left alone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from tqdm import tqdm

from tests.endurance.demo_run import VARIANTS, DemoRun, NumProcesses, Precision, make_demo_data
from tests.endurance.killed_run import KillTally, kill_runs
from tests.endurance.trial import TrialResult
from tests.endurance.workplace import Workplace

KINDS: tuple[tuple[NumProcesses, Precision], ...] = (
    (1, "float32"),
    (1, "float16"),
    (2, "float32"),
    (2, "float16"),
    # The order in which gradients are added shows from three processes on.
    (3, "float32"),
)
RUNS = [DemoRun(num_processes, precision, variant) for variant in VARIANTS for num_processes, precision in KINDS]


def kill_trial(place: Workplace, count: int, seed: int) -> list[TrialResult]:
    """Kill demo-sized runs `count` times in all, of one to three processes, in single and half precision."""
    make_demo_data(place)
    with tqdm(total=count, desc="kills", unit="kill", disable=None) as bar:
        return [
            _kill_kind(
                place, kind, [(run, share) for run, share in shares(count) if run.kind == kind], seed, bar.update
            )
            for kind in dict.fromkeys(run.kind for run, _ in shares(count))
        ]


def shares(count: int) -> list[tuple[DemoRun, int]]:
    """Return how often each run is killed, about evenly; those that are not are left out."""
    evenly, rest = divmod(count, len(RUNS))
    each = [evenly + (number < rest) for number in range(len(RUNS))]
    return [(run, share) for run, share in zip(RUNS, each, strict=True) if share]


def _kill_kind(
    place: Workplace, kind: str, runs: list[tuple[DemoRun, int]], seed: int, on_kill: Callable[[], object]
) -> TrialResult:
    started = time.perf_counter()
    tallies = place.in_lanes(
        [partial(kill_runs, place, run, share, random.Random(f"{seed} {run.title}"), on_kill) for run, share in runs],
        runs[0][0].num_processes,
    )
    tally = sum(tallies, KillTally())
    return TrialResult(
        trial="kills",
        action=f"{kind}: killed, started again",
        count=sum(share for _, share in runs),
        passed=tally.passed,
        figure=_figure(tally),
        seconds=time.perf_counter() - started,
        faults=tally.faults,
    )


def _figure(tally: KillTally) -> str:
    victims = dict(tally.victims)
    aims = (
        f"{tally.aims['save']} at saves, {tally.aims['evaluation']} at evaluations, {tally.half_written} half-written"
    )
    if victims.keys() <= {"all"}:
        return aims
    return f"{aims}; {tally.victims['launcher']} the launcher, {tally.victims['rank']} one rank"
