"""Training on two processes of this machine: how the gradients are sent."""

from __future__ import annotations

import os
from functools import partial

from tqdm import trange

from benchmarks.gpu.processes import GpuRow, measure_variant
from benchmarks.gpu.variants import GpuVariant, exchanges
from benchmarks.speed.bench import Bench
from benchmarks.speed.record import BenchmarkRow, Timing
from benchmarks.speed.settings import ModelSize

NUM_PROCESSES = 2
PAIRS = 1
"""Of each process."""


def measure_exchange(bench: Bench) -> list[BenchmarkRow]:
    """Measure training's way of exchanging gradients against buckets of other sizes and a static graph."""
    settings = bench.settings
    ours = GpuVariant("training", PAIRS, num_gpus=NUM_PROCESSES)
    variants = [ours, *exchanges(ours)]
    found: dict[GpuVariant, list[GpuRow]] = {variant: [] for variant in variants}
    threads = max(1, settings.threads // NUM_PROCESSES)
    for _ in trange(settings.rounds, desc="exchange", unit="round", leave=False):
        for variant in variants:
            work = partial(_round, variant, settings.size, settings.training_steps, threads)
            found[variant].append(bench.child(work, variant.title))
    timings = {variant: _timing(rows) for variant, rows in found.items()}
    num_pairs = PAIRS * NUM_PROCESSES * settings.training_steps
    title = (
        f"training steps of {PAIRS * NUM_PROCESSES} pairs on {NUM_PROCESSES} processes (gloo), {settings.size.name} "
        f"model, gradients sent in buckets of {ours.bucket_mebibytes} MiB"
    )
    return [
        BenchmarkRow("exchange", title, "pairs", num_pairs, timings[ours], _difference(other), timings[other])
        for other in variants[1:]
    ]


def _difference(variant: GpuVariant) -> str:
    return "the same with a static graph" if variant.static_graph else f"buckets of {variant.bucket_mebibytes} MiB"


def _round(variant: GpuVariant, size: ModelSize, num_steps: int, threads: int) -> GpuRow:
    before = os.environ.get("OMP_NUM_THREADS", "1")
    os.environ["OMP_NUM_THREADS"] = str(threads)  # which the processes inherit
    try:
        return measure_variant(variant, size, num_steps, "cpu")
    finally:
        os.environ["OMP_NUM_THREADS"] = before


def _timing(rows: list[GpuRow]) -> Timing:
    return Timing(tuple(sum(row.seconds) for row in rows), max(row.peak_bytes for row in rows))
