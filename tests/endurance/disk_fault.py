"""Ways in which the disk of a run fails, and how it is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.endurance.demo_run import SAVE_EVERY

FILLINGS = (1.2, 1.6, 1.95, 2.5, 3.6)
"""Sizes of a disk in checkpoints: so far a run gets before a save finds no space."""
FIRST, SECOND = f"step_{SAVE_EVERY:08d}", f"step_{2 * SAVE_EVERY:08d}"


@dataclass(frozen=True, slots=True)
class LostPermission:
    """A folder of a run that can no longer be written."""

    title: str
    folder: str
    """Within experiments/, with {run} for the run's name."""
    mode: int | None
    """Its permissions then; None for a disk that becomes read-only."""
    after: str
    """The checkpoint after which it happens."""
    at_restart: bool
    """Whether the run is killed before, so that it finds the folder so when it is started again."""

    def path(self, experiments: Path, run: str) -> Path:
        """Return the folder."""
        return experiments / self.folder.format(run=run)


LOST_PERMISSIONS = (
    LostPermission("checkpoints on a disk that becomes read-only", "{run}/checkpoints", None, FIRST, False),
    LostPermission("a disk that is read-only when a run goes on", "", None, SECOND, True),
    LostPermission("checkpoints without write permission", "{run}/checkpoints", 0o555, FIRST, False),
    LostPermission("a run folder without write permission", "{run}", 0o555, FIRST, False),
    LostPermission("checkpoints without any permission when a run goes on", "{run}/checkpoints", 0o000, SECOND, True),
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended."""

    status: int
    output: str

    def faults(self, path: Path) -> list[str]:
        """Return in what it differs from a message that names the path, exit status 2 and no traceback."""
        messages = [line for line in self.output.splitlines() if line.startswith("error: ")]
        checks: dict[str, Callable[[], bool]] = {
            f"exit status {self.status} instead of 2": lambda: self.status == 2,
            "a traceback": lambda: "Traceback" not in self.output,
            "no line that begins with 'error: '": lambda: bool(messages),
            f"no message that names {path}": lambda: any(str(path) in message for message in messages),
        }
        return [fault for fault, passes in checks.items() if not passes()]
