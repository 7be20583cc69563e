"""Margins and metrics of very many pairs of embedded items, against the plain way: pair by pair."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.speed.bench import Bench
from benchmarks.speed.record import BenchmarkRow, Check, Limit
from benchmarks.speed.sides import Round, Work
from data.item_pair import PairTable
from engine.encode import EncodedItems
from engine.evaluator import evaluation
from engine.pair_scores import score_pairs


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


PAIRS, ITEMS, WIDTH = 1_000_000, 50_000, 1024
LARGER = 100
"""As many times the share of a million pairs, as there is nothing to encode; at most all of them."""
PART = 20
"""The reference does one pair in so many, and its time is multiplied."""
LARGEST_DIFFERENCE = 1e-9


def measure_evaluation(bench: Bench) -> list[BenchmarkRow]:
    """Measure engine.evaluator against a loop over pairs."""
    settings = bench.settings
    share = min(1.0, LARGER * settings.scale)
    counts = (max(50, round(share * ITEMS)), max(40 * PART, round(share * PAIRS)), settings.seed)
    sides = bench.measured(
        {"ours": partial(our_evaluation, *counts), "plain": partial(plain_evaluation, *counts)}, "evaluation"
    )
    margin, f1 = (
        max(abs(a[place] - b[place]) for a, b in zip(sides["ours"].figures, sides["plain"].figures, strict=True))
        for place in (0, 1)
    )
    num_bytes = counts[1] * 2 * WIDTH * 4
    return [
        BenchmarkRow(
            "evaluation",
            f"margins, F1 and best threshold of {counts[1]:,} pairs of {counts[0]:,} embeddings of {WIDTH} numbers",
            "pairs",
            counts[1],
            sides["ours"].timing,
            f"a loop over pairs, of 1 in {PART}, times {PART}; no search for the best threshold",
            sides["plain"].timing,
            Limit("reading the two float32 embeddings of every pair", num_bytes / bench.memory()),
            (
                Check("difference of the mean margin of the part", margin, LARGEST_DIFFERENCE),
                Check("difference of the F1 of the part", f1, 0.0),
            ),
        )
    ]


def our_evaluation(num_items: int, num_pairs: int, seed: int) -> Work:
    """Return a round of engine.evaluator, which also tells figures of the part, outside the time."""
    packed, pairs, same = _data(num_items, num_pairs, seed)
    items = EncodedItems(torch.from_numpy(packed), torch.zeros(num_items, dtype=torch.bool))
    table = PairTable(pairs[:, 0].copy(), pairs[:, 1].copy(), same)

    def evaluate() -> Round:
        started = time.perf_counter()
        margins = score_pairs(items, table, WIDTH // 2).margin
        evaluation(margins, same, 0.0)
        seconds = time.perf_counter() - started
        part = evaluation(margins[: num_pairs // PART], same[: num_pairs // PART], 0.0)
        return Round(seconds, (float(margins[: num_pairs // PART].mean()), part.f1))

    return evaluate


def plain_evaluation(num_items: int, num_pairs: int, seed: int) -> Work:
    """Return a round of the reference, of a part, its time multiplied."""
    packed, pairs, same = _data(num_items, num_pairs, seed)
    part, labels = pairs[: num_pairs // PART], same[: num_pairs // PART].tolist()

    def evaluate() -> Round:
        started = time.perf_counter()
        margins = plain_margins(packed, part, WIDTH // 2)
        f1 = plain_f1(margins, labels, 0.0)
        return Round(PART * (time.perf_counter() - started), (float(np.mean(margins)), f1))

    return evaluate


def _data(
    num_items: int, num_pairs: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    chance = np.random.default_rng((seed, num_items))
    packed = chance.standard_normal((num_items, WIDTH), dtype=np.float32)
    pairs = chance.integers(num_items, size=(num_pairs, 2))
    return packed, pairs, chance.random(num_pairs) < 0.4
