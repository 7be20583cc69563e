"""How time and memory of a prediction grow with the items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.speed.bench import Bench
from benchmarks.speed.model_sizes import TINY
from benchmarks.speed.models import seconds_of_operations, write_weights
from benchmarks.speed.prediction import REFERENCE, our_prediction, plain_prediction
from benchmarks.speed.record import BenchmarkRow, Limit
from benchmarks.speed.settings import PREDICTED_ITEMS, PREDICTED_PAIRS
from benchmarks.speed.workload import WorkloadSize, write_workload

DISTINCT_PHOTOS = 50


def measure_growth(bench: Bench) -> list[BenchmarkRow]:
    """Measure predictions of ever more items with a small model; the last row tells the exponents."""
    rows = [_row(bench, items) for items in bench.settings.growth]
    return [*rows[:-1], _with_exponents(rows)]


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return b of values = a * sizes ** b, by least squares of the logarithms."""
    _, slope = np.polynomial.polynomial.polyfit(np.log(sizes), np.log(values), 1)
    return float(slope)


def _row(bench: Bench, items: int) -> BenchmarkRow:
    settings = bench.settings
    pairs = round(items * PREDICTED_PAIRS / PREDICTED_ITEMS)
    size = WorkloadSize(items, pairs, DISTINCT_PHOTOS)
    file = write_workload(settings.work / f"growth_{items}", TINY, size, settings.seed)
    bench.child(partial(write_weights, file), "weights")
    sides = bench.measured({"ours": partial(our_prediction, file), "plain": partial(plain_prediction, file)}, "growth")
    return BenchmarkRow(
        "growth",
        f"prediction of {pairs:,} pairs of {items:,} items, small model",
        "items",
        items,
        sides["ours"].timing,
        REFERENCE,
        sides["plain"].timing,
        Limit("matrix products", seconds_of_operations(bench, file, bench.matrix_products(TINY))),
    )


def _with_exponents(rows: Sequence[BenchmarkRow]) -> BenchmarkRow:
    sizes = [row.count for row in rows]
    last = rows[-1]
    time = exponent(sizes, [row.ours.median for row in rows])
    memory = exponent(sizes, [row.ours.peak_bytes for row in rows])
    steps = " : ".join(f"{size:,.0f}" for size in sizes)
    detail = f"over {steps} items time grows with the power {time:.2f} of their number, memory with {memory:.2f}"
    return replace(last, details=(detail,))
