"""How far the margins of a checkpoint move when it encodes in another precision."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from engine.distributed import Processes
from engine.encode import encode_items
from engine.experiment import ExperimentOptions
from engine.options import Precision
from engine.pair_scores import score_pairs
from engine.predictor import split_to_predict
from engine.stop_request import StopRequest
from engine.verifier import Verifier
from options.table import aligned_rows


@dataclass(frozen=True, slots=True)
class PrecisionDrift:
    """What a precision changes against float32, on the pairs of a split."""

    precision: Precision
    largest_difference: float
    """Of a margin, absolute."""
    mean_difference: float
    """Of all margins, absolute."""
    num_changed: int
    """Pairs decided otherwise at the threshold."""
    num_pairs: int
    items_per_second: float
    """The reading of images included."""


def measure_precision_drift(
    options: ExperimentOptions, processes: Processes, stop: StopRequest | None = None
) -> tuple[float, list[PrecisionDrift]]:
    """Encode the split of predict.* in float32 and in each other precision; return the threshold and the drifts.

    Raises UserError for files, options and checkpoints that the user has to mend. The first process gets the
    drifts, the others none.
    """
    verifier = Verifier.chosen_by(options, processes)
    split = split_to_predict(options, verifier.preparation)
    thresholds = verifier.rule.thresholds(split)
    reference: NDArray[np.float64] | None = None
    drifts = []
    for precision in get_args(Precision):
        plan = replace(verifier.plan, precision=precision)
        started = time.perf_counter()
        items = encode_items(verifier.encoder, split.items, plan, processes, precision, stop)
        seconds = time.perf_counter() - started
        if items is not None:
            margins = score_pairs(items, split.pairs, verifier.encoder.threshold_width).margin
            reference = margins if reference is None else reference
            difference = np.abs(margins - reference)
            changed = np.count_nonzero((margins > thresholds) != (reference > thresholds))
            measured = float(difference.max()), float(difference.mean()), int(changed)
            drifts.append(PrecisionDrift(precision, *measured, len(margins), len(split.catalog) / seconds))
    return verifier.rule.threshold, drifts


def drift_lines(split: str, threshold: float, drifts: Sequence[PrecisionDrift]) -> list[str]:
    """Return what was measured at a threshold as a table, a precision a line."""
    rows = [("precision", "largest |Δ margin|", "mean |Δ margin|", "changed decisions", "items/s")]
    for drift in drifts:
        differences = f"{drift.largest_difference:.3e}", f"{drift.mean_difference:.3e}"
        changed = f"{drift.num_changed:,} of {drift.num_pairs:,}"
        rows.append((drift.precision, *differences, changed, f"{drift.items_per_second:.1f}"))
    return [
        f"{split} split, decisions at threshold {threshold:.4f}, Δ against float32:",
        *aligned_rows(rows).splitlines(),
    ]
