"""The course of a training run, from its metrics.jsonl."""

from dataclasses import dataclass
from pathlib import Path

from data.jsonl import DataError, read_records_or_faults

Curve = tuple[tuple[float, float], ...]
"""Steps and values."""

MOST_POINTS = 1000
"""Of a curve; of more, every second, third ... is kept."""


@dataclass(frozen=True, slots=True)
class Course:
    """Every figure's curve by its name, such as loss, learning_rate, calibrated_f1."""

    curves: dict[str, Curve]

    def curve(self, name: str) -> Curve:
        """Return a figure's curve; empty where the run did not record it."""
        return self.curves.get(name, ())


def read_course(file: Path) -> Course:
    """Read the figures of all log intervals and evaluations; lines that are no records, as a killed run may leave
    one, are passed over, and without the file there are no curves.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    if file.is_file():
        for _, record in read_records_or_faults(file):
            if isinstance(record, DataError):
                continue
            step = record.get("step")
            if not isinstance(step, int):
                continue
            for name, value in record.items():
                if name != "step" and isinstance(value, int | float):
                    points.setdefault(name, []).append((float(step), float(value)))
    return Course({name: _thinned(curve) for name, curve in points.items()})


def _thinned(curve: list[tuple[float, float]]) -> Curve:
    stride = -(-len(curve) // MOST_POINTS)
    # Counted from the end, since the last point says where the run arrived.
    return tuple(curve[::-1][::stride][::-1])
