"""A file system of its own in memory, which can fill up and become read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1 << 20
IN_NAMESPACE = "ENDURANCE_NAMESPACE"
"""Environment variable of a command that was started in a namespace of its own."""
OBEYING = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Starts a command that obeys permissions although it belongs to root."""


class MountError(Exception):
    """This machine does not let us mount."""


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted file system in memory."""

    folder: Path

    def resize(self, size: int) -> None:
        """Change how many bytes it holds."""
        _call("mount", "-o", f"remount,size={size}", str(self.folder))

    def forbid_writing(self) -> bool:
        """Make it read-only; False while a file on it is open for writing."""
        try:
            _call("mount", "-o", "remount,ro", str(self.folder))
        except MountError:
            return False
        return True

    def allow_writing(self) -> None:
        """Make it writable again."""
        _call("mount", "-o", "remount,rw", str(self.folder))


@contextmanager
def small_disk(folder: Path, size: int = 256 * MEBIBYTE) -> Iterator[SmallDisk]:
    """Mount a disk of this many bytes at a folder, which is made.

    Raises:
        MountError: the machine does not let us.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield SmallDisk(folder)
    finally:
        _call("umount", "--lazy", str(folder))


def can_mount() -> bool:
    """Return whether this process may mount."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder, "disk"), MEBIBYTE):
                return True
        except MountError:
            return False


def enter_namespace() -> None:
    """Start this command anew where it may mount, if it may not here and the machine has such a place."""
    allowed = [shutil.which("unshare") or "", "--user", "--map-root-user", "--mount"]
    if can_mount() or IN_NAMESPACE in os.environ or not allowed[0]:
        return
    if subprocess.run([*allowed, "true"], check=False, capture_output=True).returncode == 0:
        os.environ[IN_NAMESPACE] = "1"
        os.execv(allowed[0], [*allowed, sys.executable, *sys.argv])


def obeying_permissions() -> tuple[str, ...]:
    """Return what to start a command with so that permissions hold for it; nothing for an ordinary user."""
    return OBEYING if os.geteuid() == 0 else ()


def _call(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise MountError(f"there is no command {command[0]}") from error
    except subprocess.CalledProcessError as error:
        raise MountError(error.stderr.strip()) from error
