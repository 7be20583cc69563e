"""Damaged and hostile pictures."""

from __future__ import annotations

import time

from tests.endurance.trial import TrialResult
from tests.endurance.workplace import Workplace

MEBIBYTE = 1 << 20


def image_trial(place: Workplace, count: int, seed: int) -> list[TrialResult]:
    """Read `count` damaged pictures in every way that training reads them."""
    # It imports torch, which takes seconds that the other trials need not wait for.
    from tests.endurance.fuzz_images import fuzz_images

    folder = place.root / "images"
    folder.mkdir(exist_ok=True)
    started = time.perf_counter()
    report = fuzz_images(folder, count, seed)
    return [
        TrialResult(
            trial="images",
            action="damaged pictures read",
            count=report.num_images,
            passed=report.num_images - len(report.faults),
            figure=f"{report.total('refused'):,} refused, {report.peak_bytes / MEBIBYTE:,.0f} MiB at most, "
            f"slowest {report.slowest_seconds:.2f} s",
            seconds=time.perf_counter() - started,
            faults=report.faults,
        )
    ]
