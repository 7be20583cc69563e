"""What every row is given: the settings, and the machine's limits, each measured when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.speed.machine import (
    decoding_rate,
    disk_reading_rate,
    disk_writing_rate,
    matrix_product_rate,
    memory_rate,
)
from benchmarks.speed.record import MachineLimit
from benchmarks.speed.settings import BenchmarkSettings, ModelSize
from benchmarks.speed.sides import MakeWork, SideRounds, in_own_process, interleaved

Result = TypeVar("Result")


@dataclass(slots=True)
class Bench:
    """Settings, limits, and how sides are measured."""

    settings: BenchmarkSettings
    limits: dict[str, MachineLimit] = field(default_factory=dict)

    def measured(self, sides: Mapping[str, MakeWork], title: str, rounds: int | None = None) -> dict[str, SideRounds]:
        """Measure the sides in turn."""
        return interleaved(sides, rounds or self.settings.rounds, self.settings.threads, title)

    def child(self, function: Callable[[], Result], title: str) -> Result:
        """Return what a function returns in a process of its own."""
        return in_own_process(function, self.settings.threads, title)

    def matrix_products(self, size: ModelSize) -> float:
        """Return floating point operations a second in float32."""
        name = f"matrix products ({size.name})"
        shapes = ", ".join(" x ".join(map(str, shape)) for shape in size.products)
        description = f"torch.mm in float32, the best of {shapes}"
        return self._limit(name, description, "operations/s", partial(matrix_product_rate, size.products))

    def memory(self) -> float:
        """Return bytes a second, read and written together."""
        return self._limit("memory", "a copy of 256 MiB, bytes read and written", "bytes/s", memory_rate)

    def decoding(self, files: Sequence[Path]) -> float:
        """Return photographs a second, by Pillow alone in one thread."""
        description = f"Pillow alone, {len(files)} photographs, one thread"
        return self._limit("JPEG decoding", description, "photographs/s", partial(decoding_rate, files))

    def disk_writing(self) -> float:
        """Return bytes a second."""
        measure = partial(disk_writing_rate, self.settings.work)
        return self._limit("disk, writing", "256 MiB one after the other, and fsync", "bytes/s", measure)

    def disk_reading(self) -> float:
        """Return bytes a second."""
        measure = partial(disk_reading_rate, self.settings.work)
        return self._limit("disk, reading", "256 MiB that the system was told to forget", "bytes/s", measure)

    def _limit(self, name: str, description: str, unit: str, measure: Callable[[], float]) -> float:
        if name not in self.limits:
            self.limits[name] = MachineLimit(name, description, self.child(measure, name), unit)
        return self.limits[name].rate
