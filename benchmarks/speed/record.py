"""What a benchmark found, as it is kept in a JSON file."""

from __future__ import annotations

import statistics
from pathlib import Path

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from engine.disk import write_text


@dataclass(frozen=True, slots=True)
class Timing:
    """The rounds of one side, which had a process of its own."""

    seconds: tuple[float, ...]
    """Of each round."""
    peak_bytes: int
    """The most memory that the process held; 0 where nobody looked."""

    @property
    def median(self) -> float:
        """Seconds of the median round."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class Limit:
    """What the machine itself would need for the work of a round."""

    title: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Check:
    """How far two ways differ, and how far they may."""

    title: str
    value: float
    bound: float

    @property
    def has_passed(self) -> bool:
        """Whether the value is a number within the bound."""
        return self.value <= self.bound


@dataclass(frozen=True, slots=True)
class BenchmarkRow:
    """One line of the table."""

    row: str
    title: str
    """What was measured."""
    unit: str
    """What is counted, such as pairs."""
    count: float
    """Units in a round."""
    ours: Timing
    reference_title: str = ""
    reference: Timing | None = None
    """Rounds of the plain way, in turn with ours."""
    limit: Limit | None = None
    checks: tuple[Check, ...] = ()
    details: tuple[str, ...] = ()
    """Further findings, a line each."""

    @property
    def rate(self) -> float:
        """Units a second, of the median round."""
        return self.count / self.ours.median

    @property
    def ratio(self) -> float | None:
        """How many times as long the reference takes, by the medians."""
        return self.reference.median / self.ours.median if self.reference is not None else None

    @property
    def fraction(self) -> float | None:
        """Share of the machine's limit that is reached."""
        return self.limit.seconds / self.ours.median if self.limit is not None else None


@dataclass(frozen=True, slots=True)
class MachineLimit:
    """A rate that the machine reaches at its best."""

    name: str
    description: str
    rate: float
    unit: str


@dataclass(frozen=True, slots=True)
class BenchmarkRecord:
    """A whole benchmark."""

    date: str
    command: str
    machine: dict[str, str]
    settings: dict[str, str]
    limits: tuple[MachineLimit, ...]
    rows: tuple[BenchmarkRow, ...]

    @property
    def has_failed(self) -> bool:
        """Whether any check did not pass."""
        return not all(check.has_passed for row in self.rows for check in row.checks)


_ADAPTER = TypeAdapter(BenchmarkRecord)


def write_record(file: Path, record: BenchmarkRecord) -> None:
    """Write a record as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, _ADAPTER.dump_json(record, indent=2).decode() + "\n")


def read_record(file: Path) -> BenchmarkRecord:
    """Read a record; raises pydantic.ValidationError for a file that is none."""
    return _ADAPTER.validate_json(file.read_bytes())
