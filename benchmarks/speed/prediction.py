"""Prediction of a workload shaped like test B, from its files to the submission file, and how it grows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.speed.bench import Bench
from benchmarks.speed.models import ALONE, seconds_of_operations, workload_options, write_weights
from benchmarks.speed.record import BenchmarkRow, Limit
from benchmarks.speed.reference import predict_pair_by_pair
from benchmarks.speed.settings import PREDICTED_ITEMS, PREDICTED_PAIRS, TINY
from benchmarks.speed.sides import Round, Work, timed
from benchmarks.speed.submissions import compare_submissions
from benchmarks.speed.workload import WorkloadSize, write_workload
from engine.predictor import run_prediction, split_to_predict
from engine.verifier import Verifier

REFERENCE = (
    "both items of every pair read and encoded again, four encoder calls, text padded to 140 tokens, loading in the "
    "same process, embeddings written anew into every line; start included in both"
)


def measure_prediction(bench: Bench) -> list[BenchmarkRow]:
    """Measure predict.py against the plain way."""
    settings = bench.settings
    size = WorkloadSize(settings.scaled(PREDICTED_ITEMS, 8), settings.scaled(PREDICTED_PAIRS, 8))
    options = write_workload(settings.work / "prediction", settings.size, size, settings.seed)
    bench.child(partial(write_weights, options), "weights")
    sides = bench.measured(
        {"ours": partial(our_prediction, options), "plain": partial(plain_prediction, options)}, "prediction"
    )
    ours, plain = sides["ours"], sides["plain"]
    start = median(seconds for (seconds,) in plain.figures)
    rate = bench.matrix_products(settings.size)
    width = settings.size.model["embedding_width"]
    assert isinstance(width, int)
    return [
        BenchmarkRow(
            "prediction",
            f"{size.pairs:,} pairs of {size.items:,} items, {settings.size.name} model, files to submission",
            "pairs",
            size.pairs,
            ours.timing,
            REFERENCE,
            plain.timing,
            Limit("matrix products of the items, each once", seconds_of_operations(bench, options, rate)),
            compare_submissions(submission(options, "ours"), submission(options, "plain"), width),
            (f"of this the start, the same in both: {start:.2f} s (data, model and weights)",),
        )
    ]


def our_prediction(option_file: Path) -> Work:
    """Return a round of engine.predictor."""
    options = workload_options(option_file, f"predict.output={submission(option_file, 'ours')}")
    Verifier.chosen_by(options, ALONE)  # libraries import much of themselves when they are first used
    return lambda: timed(lambda: run_prediction(options, ALONE))


def plain_prediction(option_file: Path) -> Work:
    """Return a round of the reference, which also tells how long its start took."""
    options = workload_options(option_file)
    Verifier.chosen_by(options, ALONE)

    def predict() -> Round:
        started = time.perf_counter()
        verifier = Verifier.chosen_by(options, ALONE)
        split = split_to_predict(options, verifier.preparation)
        loaded = time.perf_counter()
        predict_pair_by_pair(split, verifier.encoder, options, submission(option_file, "plain"))
        return Round(time.perf_counter() - started, (loaded - started,))

    return predict


def submission(option_file: Path, side: str) -> Path:
    """Return where a side writes its submission file."""
    return option_file.with_name(f"{side}.jsonl")


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
