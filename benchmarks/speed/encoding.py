"""Encoding of items, and where an encoder's time goes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.speed.bench import Bench
from benchmarks.speed.loader_wait import encoding_wait
from benchmarks.speed.machine import matrix_products
from benchmarks.speed.models import (
    ALONE,
    counted_operations,
    seconds_of_operations,
    workload_model,
    workload_options,
    workload_split,
)
from benchmarks.speed.record import BenchmarkRow, Limit
from benchmarks.speed.reference import PlainItems, encode_side
from benchmarks.speed.settings import FULL, TINY, ModelSize
from benchmarks.speed.sides import Work, timed
from benchmarks.speed.workload import WorkloadSize, write_workload
from data.loading import Split
from data.pair_batch import ItemBatch
from engine.encode import EncodingPlan, encode_items
from engine.options import Precision
from models.item_encoder import ItemEncoder

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm", "matmul", "linear", "mkldnn_linear"),
    "convolutions": ("convolution", "mkldnn_convolution", "conv2d", "_convolution"),
    "attention": ("scaled_dot_product", "_scaled_dot_product"),
    "layer norm": ("layer_norm", "native_layer_norm"),
    "softmax": ("softmax", "_softmax"),
    "GELU": ("gelu",),
    "copies and rolls": ("copy_", "roll", "clone", "contiguous", "cat", "_to_copy", "to", "pad", "fill_", "index"),
    "additions and products": ("add", "add_", "mul", "mul_", "sub", "div", "mean"),
}
"""Names of torch's operators; attention's are the beginnings of names."""
OTHERS = "others, and calling"


def operator_shares(encoder: ItemEncoder, batch: ItemBatch) -> dict[str, float]:
    """Return the share of time that each kind of operator takes by itself, the largest first."""
    encoder.eval()
    with torch.inference_mode():
        encoder(batch)
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            encoder(batch)
    seconds: dict[str, float] = {}
    for event in profiler.key_averages():
        kind = operator_kind(event.key)
        seconds[kind] = seconds.get(kind, 0.0) + event.self_cpu_time_total
    total = sum(seconds.values())
    return {kind: seconds[kind] / total for kind in sorted(seconds, key=lambda kind: -seconds[kind])}


def operator_kind(name: str) -> str:
    """Return the kind of an operator such as aten::addmm."""
    operator = name.removeprefix("aten::")
    for kind, names in KINDS.items():
        if operator in names or (kind == "attention" and operator.startswith(names)):
            return kind
    return OTHERS


FULL_ITEMS, NARROW_ITEMS = 8, 16
FULL_BATCH, NARROW_BATCH = 4, 8
PRODUCTS = "torch.mm with as many operations as the items need without padding, in turn with the encoding"


def measure_full_size(bench: Bench) -> list[BenchmarkRow]:
    """Measure the published model: items a second, share of the matrix products, and where the rest goes."""
    settings = bench.settings
    model = FULL if settings.size != TINY else TINY
    file = _workload(bench, "full_size", model, FULL_ITEMS)
    operations = counted_operations(bench, file)
    sides = bench.measured(
        {
            "ours": partial(our_encoding, file, FULL_BATCH, "float32"),
            "plain": partial(plain_encoding, file, FULL_BATCH),
            "products": partial(matrix_products, model.products, operations),
        },
        "full size",
    )
    shares = bench.child(partial(_shares, file, FULL_BATCH), "operators")
    return [
        BenchmarkRow(
            "full-size",
            f"{FULL_ITEMS} items through {model.description}, float32, in batches of {FULL_BATCH}, loading included",
            "items",
            FULL_ITEMS,
            sides["ours"].timing,
            "the same items branch by branch, text padded to 140 tokens, loading in the same process",
            sides["plain"].timing,
            Limit(PRODUCTS, sides["products"].timing.median),
            details=(
                f"{operations / FULL_ITEMS / 1e9:,.3g} x 10^9 operations an item",
                *(f"{kind}: {share:.1%} of the encoder's time" for kind, share in shares.items()),
            ),
        ),
        encoding_wait(bench, "full-size", f"{model.name} model", file, FULL_BATCH),
    ]


def measure_precisions(bench: Bench) -> list[BenchmarkRow]:
    """Measure encoding in bfloat16 and float16 against float32."""
    file = _workload(bench, "precisions", bench.settings.size, NARROW_ITEMS)
    precisions: tuple[Precision, ...] = ("float32", "bfloat16", "float16")
    sides = bench.measured({name: partial(our_encoding, file, NARROW_BATCH, name) for name in precisions}, "precisions")
    rate = bench.matrix_products(bench.settings.size)
    limit = Limit("matrix products in float32", seconds_of_operations(bench, file, rate))
    return [
        BenchmarkRow(
            "precisions",
            f"{NARROW_ITEMS} items through the {bench.settings.size.name} model in {name}",
            "items",
            NARROW_ITEMS,
            sides[name].timing,
            "the same in float32",
            sides["float32"].timing,
            limit,
        )
        for name in precisions[1:]
    ]


def our_encoding(option_file: Path, batch_size: int, precision: Precision) -> Work:
    """Return a round of engine.encode with a loader process."""
    split, encoder = _loaded(option_file)
    plan = EncodingPlan(batch_size, 1, precision)
    return lambda: timed(lambda: encode_items(encoder, split.items, plan, ALONE, "encode"))


def plain_encoding(option_file: Path, batch_size: int) -> Work:
    """Return a round of the reference."""
    split, encoder = _loaded(option_file)
    items = PlainItems([*split.catalog], workload_options(option_file).data, str(split.items.images.path))
    encoder.eval()

    @torch.inference_mode()
    def encode() -> None:
        assert encoder.threshold is not None
        for first in range(0, len(split.catalog), batch_size):
            batch = items.batch(range(first, min(first + batch_size, len(split.catalog))))
            encode_side(encoder.match, batch)
            encode_side(encoder.threshold, batch)

    return lambda: timed(encode)


def _workload(bench: Bench, name: str, model: ModelSize, items: int) -> Path:
    settings = bench.settings
    return write_workload(settings.work / name, model, WorkloadSize(items, items), settings.seed)


def _loaded(option_file: Path) -> tuple[Split, ItemEncoder]:
    options = workload_options(option_file)
    return workload_split(options), workload_model(options)


def _shares(option_file: Path, batch_size: int) -> dict[str, float]:
    split, encoder = _loaded(option_file)
    return operator_shares(encoder, split.items.batch(range(batch_size)))
