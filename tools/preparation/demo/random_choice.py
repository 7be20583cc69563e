"""Drawing from small sequences."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def pick(rng: np.random.Generator, values: Sequence[T]) -> T:
    """Draw one of the values."""
    return values[int(rng.integers(len(values)))]


def others(value: T, values: Sequence[T]) -> list[T]:
    """Return the values other than this one."""
    return [other for other in values if other != value]


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with this probability."""
    return bool(rng.random() < probability)
