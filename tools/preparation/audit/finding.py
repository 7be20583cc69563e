"""What an audit finds."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Severity(IntEnum):
    """How bad a finding is; the value is the exit status of an audit that finds nothing worse."""

    NOTE = 0
    """Worth knowing."""
    WARNING = 1
    """Suspicious."""
    FAULT = 3
    """Would end training or prediction, or is surely wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, and where."""

    kind: str
    severity: Severity
    split: str
    """train | val | test"""
    file: Path
    line: int | None
    """From 1; None for what concerns the whole file."""
    message: str
    items: tuple[str, ...] = ()
    """Ids of the items concerned."""
