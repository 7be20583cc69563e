"""How much is measured, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.model_sizes import MIDDLE, ModelSize

PREDICTED_PAIRS = 15_909
PREDICTED_ITEMS = 17_132
"""Of test B of the official data: 31,818 ends of pairs."""


@dataclass(frozen=True, slots=True)
class BenchmarkSettings:
    """How much is measured, and where."""

    work: Path
    """Folder for data, weights and outputs."""
    threads: int
    rounds: int = 3
    scale: float = 0.01
    """Share of the real workloads."""
    seed: int = 0
    size: ModelSize = MIDDLE
    training_steps: int = 2
    """Of a round."""
    demo_items: int = 1500
    growth: tuple[int, ...] = (100, 1_000, 10_000)
    """Items that are predicted to see how time and memory grow."""

    def scaled(self, count: int, least: int = 1) -> int:
        """Return the share of a real number."""
        return max(least, round(count * self.scale))
