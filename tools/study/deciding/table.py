"""What calibrate.py and compare.py print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from options.table import aligned_rows

if TYPE_CHECKING:
    from tools.study.deciding.calibration import Calibration

LABELS = {"threshold": "threshold", "f1": "F1", "precision": "precision", "recall": "recall"}


def calibration_lines(calibration: Calibration) -> list[str]:
    """Return the table of a calibration and what else is worth saying."""
    record = calibration.record
    rows = [["", "value", "from", "to"]]
    rows += [
        [LABELS[name], *(f"{number:.4f}" for number in (figure.value, figure.low, figure.high))]
        for name, figure in record.figures.items()
    ]
    thresholds = [[category, f"{threshold:.4f}"] for category, threshold in sorted(record.rule.categories.items())]
    return [
        f"{record.criterion} on {record.num_pairs:,} validation pairs in {record.num_clusters:,} clusters that share "
        f"few or no items; {record.confidence:.0%} intervals of {record.num_replicates:,} draws",
        *aligned_rows(rows).splitlines(),
        *(aligned_rows([["category", "threshold"], *thresholds]).splitlines() if thresholds else []),
        *calibration.notes,
    ]
