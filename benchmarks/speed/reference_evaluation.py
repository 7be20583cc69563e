"""The plain way to evaluate: pair by pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def plain_margins(packed: NDArray[np.float32], pairs: NDArray[np.int64], threshold_width: int) -> list[float]:
    """Return the margin of each pair (B, 2) of rows."""
    margins = []
    for source, target in pairs:
        products = packed[source].astype(np.float64) * packed[target].astype(np.float64)
        margins.append(float(products[threshold_width:].sum() - products[:threshold_width].sum()))
    return margins


def plain_f1(margins: list[float], same: list[bool], threshold: float) -> float:
    """Return the F1 of the positive class."""
    hits = misses = false_alarms = 0
    for margin, is_same in zip(margins, same, strict=True):
        is_positive = margin > threshold
        if is_positive and is_same:
            hits += 1
        elif is_same:
            misses += 1
        elif is_positive:
            false_alarms += 1
    return 2 * hits / max(1, 2 * hits + misses + false_alarms)
