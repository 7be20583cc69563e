from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image

from benchmarks.speed.bench import Bench
from benchmarks.speed.record import BenchmarkRow, Timing
from benchmarks.speed.settings import TINY, BenchmarkSettings
from benchmarks.speed.sides import MakeWork, SideRounds
from tests.endurance.peak_memory import peak_bytes

Result = TypeVar("Result")


class SameProcessBench(Bench):
    """Measures all sides in this process, which is quicker than starting others."""

    def measured(self, sides: Mapping[str, MakeWork], title: str, rounds: int | None = None) -> dict[str, SideRounds]:
        works = {name: make() for name, make in sides.items()}
        results = {name: [work() for _ in range(self.settings.rounds)] for name, work in works.items()}
        return {
            name: SideRounds(
                Timing(tuple(result.seconds for result in of_side), peak_bytes()),
                tuple(result.figures for result in of_side),
            )
            for name, of_side in results.items()
        }

    def child(self, function: Callable[[], Result], title: str) -> Result:
        return function()


@pytest.fixture(autouse=True, scope="session")
def quick_photographs() -> Iterator[None]:
    """Noise in place of invented photographs, which take a second each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.speed.workload.invent_photo", _noise)
        yield


def _noise(chance: np.random.Generator) -> Image.Image:
    return Image.fromarray(chance.integers(0, 256, (80, 100, 3), dtype=np.uint8))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench of tiny models and data."""
    settings = BenchmarkSettings(
        tmp_path, threads=1, rounds=1, scale=0.0005, size=TINY, training_steps=1, demo_items=60, growth=(4, 8)
    )
    return SameProcessBench(settings)


def assert_sane(row: BenchmarkRow) -> None:
    """Check what holds of every row."""
    assert row.count > 0
    assert row.rate == pytest.approx(row.count / median(row.ours.seconds))
    assert all(seconds > 0 for seconds in row.ours.seconds)
    assert row.ours.peak_bytes > 10_000_000
    if row.reference is not None:
        assert row.reference_title
        assert row.ratio == pytest.approx(median(row.reference.seconds) / median(row.ours.seconds))
    if row.limit is not None:
        assert row.fraction is not None
        assert 0 < row.fraction < 1
    assert all(check.has_passed for check in row.checks), row.checks
