"""Whether two submission files say the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.record import Check

LARGEST_DIFFERENCE = 1e-4
"""Of two ways' margins, as a share of the mean size of a margin."""


def compare_submissions(ours: Path, reference: Path, threshold_width: int) -> tuple[Check, ...]:
    """Compare the margins and the decisions of two submission files of the same pairs.

    Random weights put nearly all margins on one side of 0, so decisions are made where about half of the pairs are
    positive, at the middle of the widest gap there.
    """
    our_margins, reference_margins = (submission_margins(file, threshold_width) for file in (ours, reference))
    if our_margins.shape != reference_margins.shape:
        raise ValueError(f"{ours} has {len(our_margins)} lines and {reference} {len(reference_margins)}")
    threshold = middle_gap(reference_margins)
    num_changed = np.count_nonzero((our_margins > threshold) != (reference_margins > threshold))
    difference = np.abs(our_margins - reference_margins).max() / np.abs(reference_margins).mean()
    return (
        Check(f"decisions changed, of {len(our_margins)}", float(num_changed), 0.0),
        Check("largest difference of a margin, relative", float(difference), LARGEST_DIFFERENCE),
    )


def submission_margins(file: Path, threshold_width: int) -> NDArray[np.float64]:
    """Return the margin of each line."""
    with file.open(encoding="utf-8") as lines:
        return np.array([_margin(json.loads(line), threshold_width) for line in lines])


def middle_gap(margins: NDArray[np.float64]) -> float:
    """Return the middle of the widest gap between neighbours of the middle third."""
    ordered = np.sort(margins)
    third = len(ordered) // 3
    middle = ordered[third : max(third + 2, len(ordered) - third)]
    if len(middle) < 2:
        return float(ordered[0]) - 1.0
    place = int(np.argmax(np.diff(middle)))
    return float(middle[place] + middle[place + 1]) / 2


def _margin(line: dict[str, str], threshold_width: int) -> float:
    products = np.array(json.loads(line["src_item_emb"])) * np.array(json.loads(line["tgt_item_emb"]))
    return float(products[threshold_width:].sum() - products[:threshold_width].sum())
