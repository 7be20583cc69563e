"""One variant on one or several devices, each with a process of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from statistics import median

import torch
from torch.multiprocessing.spawn import spawn

from benchmarks.gpu.variants import GpuVariant
from benchmarks.gpu.work import operations_an_item, run_variant
from benchmarks.speed.machine import matrix_product_rate
from benchmarks.speed.report import number
from benchmarks.speed.settings import ModelSize
from engine.distributed import Processes, started_processes
from options.table import aligned_rows
from tests.endurance.peak_memory import peak_bytes

GIBIBYTE = 1 << 30
HEADINGS = ("work", "way", "ms (least to most)", "items/s", "ratio", "of the limit", "GiB a GPU")
LEFT = (0, 1)
PASSES = {"encoding": 1, "training": 3}
"""Forward, and a backward pass of twice as many operations."""


@dataclass(frozen=True, slots=True)
class GpuRow:
    """What a variant reached."""

    variant: GpuVariant
    seconds: tuple[float, ...]
    """Of each round; none where the memory did not suffice."""
    peak_bytes: int
    """Of the first GPU, or of the first process on the CPU."""

    @property
    def items_per_second(self) -> float:
        """Of all GPUs together, of the median round; 0 where the memory did not suffice."""
        items = self.variant.batch_size * self.variant.num_gpus * (2 if self.variant.work == "training" else 1)
        return items / median(self.seconds) if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class DeviceLimits:
    """What the device itself can do, and what the model asks of it."""

    product_rates: dict[str, float]
    """Floating point operations a second of torch.mm, by arithmetic."""
    operations_an_item: float
    """Of encoding."""

    def fraction(self, row: GpuRow) -> float:
        """Return the share of the matrix products' rate that a variant reaches."""
        operations = row.items_per_second / row.variant.num_gpus * self.operations_an_item
        return PASSES[row.variant.work] * operations / self.product_rates[row.variant.arithmetic]


def device_limits(size: ModelSize, device: torch.device) -> DeviceLimits:
    """Measure torch.mm on a device, and count the operations of the model."""
    return DeviceLimits(product_rates(size, device), operations_an_item(size, device))


def measure_variant(variant: GpuVariant, size: ModelSize, rounds: int, device_type: str) -> GpuRow:
    """Run a variant in new processes, so that each begins with empty memory.

    Raises torch.multiprocessing.ProcessRaisedException where one of them fails.
    """
    answers: SimpleQueue[tuple[list[float], int]] = get_context("spawn").SimpleQueue()
    work = partial(_process, variant=variant, size=size, rounds=rounds, device_type=device_type)
    answer = partial(_answer, work=work, answers=answers, port=_free_port())
    spawn(answer, nprocs=variant.num_gpus)  # type: ignore[no-untyped-call]
    seconds, peak = answers.get()
    return GpuRow(variant, tuple(seconds), peak)


def measure_in(processes: Processes, variant: GpuVariant, size: ModelSize, rounds: int) -> GpuRow:
    """Run a variant in this process, one of those that the variant needs."""
    seconds, peak = _measure(processes, variant, size, rounds)
    return GpuRow(variant, tuple(seconds), peak)


def product_rates(size: ModelSize, device: torch.device) -> dict[str, float]:
    """Return floating point operations a second of torch.mm, by arithmetic."""
    rates = {}
    for arithmetic, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)):
        rates[arithmetic] = matrix_product_rate(size.products, dtype, device)
    torch.set_float32_matmul_precision("high")
    rates["tf32"] = matrix_product_rate(size.products, torch.float32, device)
    torch.set_float32_matmul_precision("highest")
    return rates


def format_gpu_table(rows: Sequence[GpuRow], limits: DeviceLimits) -> str:
    """Return an aligned table; ratios are to the first row of the same work."""
    first = {row.variant.work: row for row in reversed(rows)}
    cells = (_cells(row, first[row.variant.work], limits) for row in rows)
    return aligned_rows([HEADINGS, *cells], LEFT, ruled=True)


def as_json(row: GpuRow, limits: DeviceLimits) -> dict[str, object]:
    """Return a row for a JSON file."""
    return {
        **asdict(row.variant),
        "fraction_of_limit": limits.fraction(row),
        "seconds": list(row.seconds),
        "peak_bytes": row.peak_bytes,
        "items_per_second": row.items_per_second,
    }


def _cells(row: GpuRow, first: GpuRow, limits: DeviceLimits) -> tuple[str, ...]:
    memory = f"{row.peak_bytes / GIBIBYTE:.1f}" if row.peak_bytes else "-"
    if not row.seconds:
        return row.variant.work, row.variant.title, "out of memory", "-", "-", "-", memory
    times = [number(1000 * value) for value in (median(row.seconds), min(row.seconds), max(row.seconds))]
    ratio = f"{row.items_per_second / first.items_per_second:.2f} x" if first.seconds else "-"
    spread = f"{times[0]} ({times[1]} to {times[2]})"
    fraction = f"{limits.fraction(row):.1%}"
    return row.variant.work, row.variant.title, spread, number(row.items_per_second), ratio, fraction, memory


def _answer(
    rank: int, work: partial[tuple[list[float], int]], answers: SimpleQueue[tuple[list[float], int]], port: int
) -> None:
    answer = work(rank, port=port)
    if rank == 0:
        answers.put(answer)


def _process(
    rank: int, variant: GpuVariant, size: ModelSize, rounds: int, device_type: str, port: int
) -> tuple[list[float], int]:
    if variant.num_gpus == 1:
        return _measure(Processes(0, 1, torch.device(device_type)), variant, size, rounds)
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(variant.num_gpus),
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
    )  # fmt: skip
    if device_type == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with started_processes() as processes:
        return _measure(processes, variant, size, rounds)


def _measure(processes: Processes, variant: GpuVariant, size: ModelSize, rounds: int) -> tuple[list[float], int]:
    on_gpu = processes.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(processes.device)
    try:
        seconds = run_variant(variant, size, rounds, processes)
    except torch.OutOfMemoryError:
        if processes.count > 1:
            raise  # the others wait for this one
        seconds = []
    return seconds, torch.cuda.max_memory_allocated(processes.device) if on_gpu else peak_bytes()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
