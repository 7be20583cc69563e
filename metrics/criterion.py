"""What a threshold is chosen for: each criterion picks one of all cuts.

Ratios are correctly rounded quotients of whole numbers, so that equal ratios are equal, and 9 of 10 reach 0.9. Up to
2**25 pairs different ratios are different, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.cuts import Cuts


def highest_f1(cuts: Cuts, unused: float = 0.0) -> int:
    """Return the cut of the highest F1; of equal ones the highest cut, which has the highest precision."""
    # argmax takes the first of equals; the cut that takes nothing has F1 0, which any hit exceeds.
    return int(np.argmax(2 * cuts.num_hits / (cuts.num_predicted + cuts.num_positives)))


def precision_at_least(cuts: Cuts, precision: float) -> int | None:
    """Return the cut of the highest recall among those that reach a precision; None where none does.

    Of cuts of the same recall it is the one of the highest precision.
    """
    reached = _precision(cuts) >= precision
    reached[0] = False  # which takes nothing, and has no precision
    return int(np.argmax(np.where(reached, cuts.num_hits, -1))) if reached.any() else None


def recall_at_least(cuts: Cuts, recall: float) -> int | None:
    """Return the cut of the highest precision among those that reach a recall, of equal ones that of most recall."""
    candidates = np.where(cuts.num_hits / cuts.num_positives >= recall, _precision(cuts), -1.0)
    return len(candidates) - 1 - int(np.argmax(candidates[::-1]))


def number_of_positives(cuts: Cuts, number: float) -> int | None:
    """Return the cut that takes a number of pairs for the same; None where there are fewer pairs.

    Where ties of margins prevent it, it is the cut that comes nearest, of two equally near the one that takes fewer.
    """
    if number > cuts.num_predicted[-1]:
        return None
    return int(np.argmin(np.abs(cuts.num_predicted - number)))


CRITERIA: dict[str, Callable[[Cuts, float], int | None]] = {
    "f1": highest_f1,
    "precision": precision_at_least,
    "recall": recall_at_least,
    "positives": number_of_positives,
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion by its name, with the number that it is to reach; f1 has none."""

    name: str
    number: float = 0.0

    def __str__(self) -> str:
        return self.name if self.name == "f1" else f"{self.name}={self.number:g}"

    def cut(self, cuts: Cuts) -> int | None:
        """Return the cut that meets it best, or None where none meets it."""
        return CRITERIA[self.name](cuts, self.number)


def parse_criterion(text: str) -> Criterion:
    """Read f1, precision=X, recall=X with X above 0 and at most 1, or positives=N; raises ValueError for else."""
    name, _, number = text.partition("=")
    if text == "f1":
        return Criterion("f1")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if name in ("precision", "recall") and 0 < value <= 1:
        return Criterion(name, value)
    if name == "positives" and value >= 0 and value.is_integer():
        return Criterion(name, value)
    raise ValueError(
        f"{text!r} is no criterion; give f1, precision=X or recall=X with X above 0 and at most 1, or positives=N"
    )


def _precision(cuts: Cuts) -> NDArray[np.float64]:
    return cuts.num_hits / np.maximum(cuts.num_predicted, 1)
