"""Measure encoding and training of the published model on GPUs: python -m benchmarks.gpu

float32, TF32, bfloat16 and float16; the text encoder's attention fused and written out; compiled; activation
checkpointing; batch sizes; 1 to N GPUs. Each way is measured in new processes on random tensors that lie on the GPU,
with the GPU's own clock. Under torchrun (python -m engine.launch -m benchmarks.gpu), all ways are measured on
all of its processes together. Exit status 2: there is no GPU.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.arguments import at_least_one
from benchmarks.gpu.processes import (
    DeviceLimits,
    GpuRow,
    as_json,
    device_limits,
    format_gpu_table,
    measure_in,
    measure_variant,
)
from benchmarks.gpu.variants import GpuVariant, all_variants
from benchmarks.speed.machine import machine
from benchmarks.speed.settings import SIZES
from benchmarks.speed.sides import in_own_process
from engine.disk import write_json
from engine.distributed import started_processes
from options.errors import UserError, exit_on_user_error


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=SIZES, default="full", help="size of the model (%(default)s)")
    parser.add_argument("--encoding-batches", type=at_least_one, nargs="+", default=[64, 16, 256], metavar="ITEMS")
    parser.add_argument("--training-batches", type=at_least_one, nargs="+", default=[4, 8, 16], metavar="PAIRS")
    parser.add_argument("--rounds", type=at_least_one, default=10, help="after two to warm up (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=("encoding", "training"), default=["encoding", "training"])
    parser.add_argument("--out", type=Path, default=Path("experiments/gpu.json"), help="record (%(default)s)")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="cpu shows only that it runs")
    parser.add_argument("--check", action="store_true", help="check that there is a GPU and do nothing else")
    return parser.parse_args()


@exit_on_user_error()
def main() -> None:
    """Measure all ways, keep the record and print the table."""
    arguments = parse_arguments()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "torch finds no GPU (torch.cuda.is_available()); run this on a machine with one, or look at the driver and "
            "whether torch was installed for CUDA. benchmarks.speed measures on the CPU"
        )
    if arguments.check:
        return
    size, device = SIZES[arguments.model], torch.device(arguments.device)
    num_launched = int(os.environ.get("WORLD_SIZE", "1"))
    if num_launched > 1:
        with started_processes() as processes:
            limits = device_limits(size, processes.device)
            variants = [replace(variant, num_gpus=num_launched) for variant in _variants(arguments, range(1, 2))]
            measure = partial(measure_in, processes, size=size, rounds=arguments.rounds)
            _measure(arguments, variants, measure, limits, processes.is_first)
        return
    limits = in_own_process(partial(device_limits, size, device), torch.get_num_threads(), "limits")
    counts = range(1, (torch.cuda.device_count() if arguments.device == "cuda" else 1) + 1)
    measure = partial(measure_variant, size=size, rounds=arguments.rounds, device_type=arguments.device)
    _measure(arguments, _variants(arguments, counts), measure, limits, speaks=True)


def _measure(
    arguments: argparse.Namespace,
    variants: list[GpuVariant],
    measure: Callable[[GpuVariant], GpuRow],
    limits: DeviceLimits,
    speaks: bool,
) -> None:
    rows: list[GpuRow] = []
    for variant in tqdm(variants, desc="variants", unit="variant", disable=not speaks):
        rows.append(measure(variant))
        if speaks:
            _keep(arguments, rows, limits)
    if speaks:
        print(format_gpu_table(rows, limits))


def _variants(arguments: argparse.Namespace, counts: range) -> list[GpuVariant]:
    variants = all_variants(arguments.encoding_batches, arguments.training_batches, counts)
    return [variant for variant in variants if variant.work in arguments.only]


def _keep(arguments: argparse.Namespace, rows: list[GpuRow], limits: DeviceLimits) -> None:
    record = {
        "machine": machine(torch.get_num_threads()),
        "device": torch.cuda.get_device_name() if arguments.device == "cuda" else "cpu",
        "model": SIZES[arguments.model].description,
        "limits": asdict(limits),
        "rows": [as_json(row, limits) for row in rows],
    }
    write_json(arguments.out, record)


if __name__ == "__main__":
    main()
