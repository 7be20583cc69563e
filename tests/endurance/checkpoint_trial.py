"""A damaged latest checkpoint is passed over for the one before, and the run ends with the same bits."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tqdm import tqdm

from tests.endurance.damage import DAMAGES, Damage
from tests.endurance.demo_run import SAVE_EVERY, DemoRun, make_demo_data, run_folder, run_place, run_to_the_end
from tests.endurance.kill_moment import await_sign
from tests.endurance.run_comparison import differences
from tests.endurance.run_files import checkpoint_name, checkpoints, opening_steps, step_of
from tests.endurance.trial import TrialResult
from tests.endurance.workplace import Workplace

RUN = DemoRun(steps=35)


def checkpoint_trial(place: Workplace) -> list[TrialResult]:
    """Damage the latest checkpoint of an interrupted run in every way, and let the run go on."""
    make_demo_data(place)
    reference = run_to_the_end(place, RUN, "undamaged")
    interrupted = interrupted_run(place, 4 * SAVE_EVERY)
    with tqdm(total=len(DAMAGES), desc="checkpoints", unit="checkpoint", disable=None) as bar:
        return [
            _result(place, reference, interrupted, [damage for damage in DAMAGES if damage.kind == kind], bar.update)
            for kind in dict.fromkeys(damage.kind for damage in DAMAGES)
        ]


def interrupted_run(place: Workplace, step: int) -> Path:
    """Kill a run as soon as the checkpoint of a step is there; return the run's folder.

    Raises:
        RuntimeError: it ends before.
    """
    folder = run_place(place, "interrupted")
    command = RUN.start(place, folder)
    if not await_sign(command, lambda: (run_folder(folder) / "checkpoints" / checkpoint_name(step)).exists()):
        raise RuntimeError(f"the run ended before step {step}: {command.last_words()}")
    command.kill()
    return run_folder(folder)


def _result(
    place: Workplace, reference: Path, interrupted: Path, damages: list[Damage], on_done: Callable[[], object]
) -> TrialResult:
    def faults_of(damage: Damage) -> list[str]:
        found = [f"{damage.title}: {fault}" for fault in _goes_on(place, reference, interrupted, damage)]
        on_done()
        return found

    started = time.perf_counter()
    faults = place.in_lanes([partial(faults_of, damage) for damage in damages])
    return TrialResult(
        trial="checkpoints",
        action=f"a file of the latest: {damages[0].kind}",
        count=len(damages),
        passed=sum(not found for found in faults),
        figure="warned, fell back, the same bits",
        seconds=time.perf_counter() - started,
        faults=tuple(fault for found in faults for fault in found),
    )


def _goes_on(place: Workplace, reference: Path, interrupted: Path, damage: Damage) -> list[str]:
    """Return what is wrong when a run goes on from a damaged checkpoint."""
    start_folder = run_place(place, f"damaged_{DAMAGES.index(damage)}")
    folder = run_folder(start_folder)
    shutil.copytree(interrupted, folder)
    *_, before, latest = checkpoints(folder)
    damage.do(latest)
    command = RUN.start(place, start_folder)
    status, output = command.finish()
    if status:
        return [f"the run ends with status {status}: {command.last_words()}"]
    warnings = [line for line in output.splitlines() if "warning: " in line and latest.name in line]
    faults = [] if warnings else [f"no warning names {latest.name}"]
    if opening_steps(folder)[-1] != step_of(before):
        faults.append(f"it goes on from step {opening_steps(folder)[-1]}, not {step_of(before)}")
    if not (folder / "checkpoints" / f"damaged_{latest.name}").is_dir():
        faults.append(f"there is no damaged_{latest.name}")
    return faults + differences(reference, folder)
