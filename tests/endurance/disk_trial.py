"""Full disks and lost permission end a run with a message, and it goes on once they are mended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tqdm import tqdm

from tests.endurance.demo_run import NAME, DemoRun, make_demo_data, run_folder, run_place, run_to_the_end
from tests.endurance.disk_fault import FILLINGS, LOST_PERMISSIONS, Ending, LostPermission
from tests.endurance.kill_moment import GLANCE, await_sign
from tests.endurance.run_comparison import differences
from tests.endurance.run_files import checkpoint_faults, checkpoints
from tests.endurance.small_disk import MEBIBYTE, can_mount, obeying_permissions, small_disk
from tests.endurance.trial import TrialResult
from tests.endurance.workplace import Command, Workplace

RUN = DemoRun(steps=42)
LOGS = MEBIBYTE
"""Bytes for all that a run writes besides checkpoints."""
LARGE = 256 * MEBIBYTE
SECONDS_TO_FORBID = 30.0


def disk_trial(place: Workplace) -> list[TrialResult]:
    """Let disks fill up and permissions go, mend both, and compare with a run on a sound disk."""
    if not can_mount():
        why = "mounting is not permitted here, nor in a namespace (unshare)"
        return [TrialResult("disks", "full and read-only disks", 10, 0, why, 0.0, was_skipped=True)]
    make_demo_data(place)
    reference = run_to_the_end(place, RUN, "on_sound_disk")
    size = sum(file.stat().st_size for file in checkpoints(reference)[-1].iterdir())
    full = [partial(_on_full_disk, place, reference, filling, size) for filling in FILLINGS]
    lost = [partial(_without_permission, place, reference, way) for way in LOST_PERMISSIONS]
    with tqdm(total=len(full) + len(lost), desc="disks", unit="disk", disable=None) as bar:
        return [
            _result(place, "a disk that fills up in a save", full, bar.update),
            _result(place, "a folder that becomes read-only", lost, bar.update),
        ]


def _result(
    place: Workplace, action: str, cases: Sequence[Callable[[], list[str]]], on_done: Callable[[], object]
) -> TrialResult:
    def counted(case: Callable[[], list[str]]) -> list[str]:
        faults = case()
        on_done()
        return faults

    started = time.perf_counter()
    faults = place.in_lanes([partial(counted, case) for case in cases])
    return TrialResult(
        trial="disks",
        action=action,
        count=len(cases),
        passed=sum(not found for found in faults),
        figure="status 2, a message, then the same bits",
        seconds=time.perf_counter() - started,
        faults=tuple(fault for found in faults for fault in found),
    )


def _on_full_disk(place: Workplace, reference: Path, filling: float, size: int) -> list[str]:
    title = f"a disk of {filling} checkpoints"
    folder = run_place(place, f"full_disk_{filling}")
    with small_disk(folder / "experiments", int(filling * size) + LOGS) as disk:
        status, output = RUN.start(place, folder).finish()
        faults = Ending(status, output).faults(Path("experiments", NAME)) + _damaged(folder)
        disk.resize(LARGE)
        faults += _goes_on(place, reference, folder)
    return [f"{title}: {fault}" for fault in faults]


def _without_permission(place: Workplace, reference: Path, way: LostPermission) -> list[str]:
    folder = run_place(place, f"lost_permission_{LOST_PERMISSIONS.index(way)}")
    lost = way.path(folder / "experiments", NAME)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(lost if way.mode is None else folder / "experiments", LARGE))
        forbid = disk.forbid_writing if way.mode is None else partial(_change_mode, lost, way.mode)
        allow = disk.allow_writing if way.mode is None else partial(lost.chmod, 0o755)
        command = _start(place, folder)
        if not _await_checkpoint(command, folder, way.after):
            return [f"{way.title}: the run ended before {way.after}: {command.last_words()}"]
        if way.at_restart:
            command.kill()
        if not (await_sign(command, forbid) if command.runs else _forbidden_in_time(forbid)):
            return [f"{way.title}: writing could not be forbidden in time: {command.last_words()}"]
        if way.at_restart:
            command = _start(place, folder)
        status, output = command.finish()
        allow()
        faults = Ending(status, output).faults(Path("experiments", way.folder.format(run=NAME)))
        faults += _damaged(folder) + _goes_on(place, reference, folder)
    return [f"{way.title}: {fault}" for fault in faults]


def _forbidden_in_time(forbid: Callable[[], bool], seconds: float = SECONDS_TO_FORBID) -> bool:
    """Forbid writing where a process that was killed may still have to let go of its files."""
    deadline = time.monotonic() + seconds
    while not forbid():
        if time.monotonic() > deadline:
            return False
        time.sleep(GLANCE)
    return True


def _start(place: Workplace, folder: Path) -> Command:
    return RUN.start(place, folder, obeying_permissions())


def _await_checkpoint(command: Command, folder: Path, name: str) -> bool:
    return await_sign(command, lambda: (run_folder(folder) / "checkpoints" / name).exists())


def _change_mode(folder: Path, mode: int) -> bool:
    folder.chmod(mode)
    return True


def _damaged(folder: Path) -> list[str]:
    """Return what is wrong with the checkpoints that a run has left, of which there is at least one."""
    left = checkpoints(run_folder(folder))
    return [fault for checkpoint in left for fault in checkpoint_faults(checkpoint)] or (
        [] if left else ["no checkpoint is left"]
    )


def _goes_on(place: Workplace, reference: Path, folder: Path) -> list[str]:
    command = RUN.start(place, folder)
    status, _ = command.finish()
    if status:
        return [f"mended, the run ends with status {status}: {command.last_words()}"]
    return [f"mended, it ends otherwise: {fault}" for fault in differences(reference, run_folder(folder))]
