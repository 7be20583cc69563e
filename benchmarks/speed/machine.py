"""What a benchmark ran on, and the rates against which work is held, each the best of several tries."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.speed.settings import Shape
from benchmarks.speed.sides import Round, Work
from engine.run_records import PACKAGES


def machine(threads: int) -> dict[str, str]:
    """Return the machine and the versions of what matters for speed."""
    return {
        "processor": processor_name(),
        "cores": str(os.cpu_count()),
        "threads": str(threads),
        "memory": memory(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def processor_name(cpu_info: Path = Path("/proc/cpuinfo")) -> str:
    """Return the model of the processor, as far as the system tells."""
    if cpu_info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", cpu_info.read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def memory() -> str:
    """Return how much memory there is."""
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"


TRIES = 5
COPIED_BYTES = 1 << 28
WRITTEN_BYTES = 1 << 28
BLOCK_BYTES = 1 << 22


def matrix_product_rate(
    shapes: Sequence[Shape], dtype: torch.dtype = torch.float32, device: torch.device | None = None
) -> float:
    """Return floating point operations a second of torch.mm, of the shape that is fastest."""
    return max(_product_rate(shape, dtype, device or torch.device("cpu")) for shape in shapes)


def matrix_products(shapes: Sequence[Shape], operations: float) -> Work:
    """Return a round of torch.mm in float32, of the shape that is fastest, with so many operations together.

    Measured in turn with other work, it feels the same disturbances.
    """
    cpu = torch.device("cpu")
    rows, inner, columns = max(shapes, key=lambda shape: _product_rate(shape, torch.float32, cpu))
    left, right, result = torch.randn(rows, inner), torch.randn(inner, columns), torch.empty(rows, columns)
    count = operations / (2.0 * rows * inner * columns)
    num_whole = max(1, round(count))

    def multiply() -> Round:
        started = time.perf_counter()
        for _ in range(num_whole):
            torch.mm(left, right, out=result)
        return Round((time.perf_counter() - started) * count / num_whole)

    return multiply


def memory_rate(num_bytes: int = COPIED_BYTES) -> float:
    """Return bytes a second, read and written ones together, of a large copy."""
    source, target = torch.ones(num_bytes // 4), torch.empty(num_bytes // 4)
    return 2 * num_bytes / _least_seconds(lambda: target.copy_(source))


def decoding_rate(files: Sequence[Path]) -> float:
    """Return files a second that Pillow alone decodes, one after the other."""

    def decode() -> None:
        for file in files:
            with Image.open(file) as image:
                image.load()

    return len(files) / _least_seconds(decode, tries=3)


def disk_writing_rate(folder: Path, num_bytes: int = WRITTEN_BYTES) -> float:
    """Return bytes a second that reach the disk, one after the other."""
    file = folder / "disk_rate"
    try:
        return num_bytes / _least_seconds(lambda: _write(file, num_bytes), tries=3)
    finally:
        file.unlink(missing_ok=True)


def disk_reading_rate(folder: Path, num_bytes: int = WRITTEN_BYTES) -> float:
    """Return bytes a second that come from a file of which the system was told to forget what it keeps."""
    file = folder / "disk_rate"
    try:
        _write(file, num_bytes)
        return num_bytes / min(_reading_seconds(file) for _ in range(3))
    finally:
        file.unlink(missing_ok=True)


def _least_seconds(work: Callable[[], object], tries: int = TRIES) -> float:
    seconds = []
    for _ in range(tries):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _product_rate(shape: Shape, dtype: torch.dtype, device: torch.device) -> float:
    rows, inner, columns = shape
    left = torch.randn(rows, inner, device=device, dtype=dtype)
    right = torch.randn(inner, columns, device=device, dtype=dtype)
    result = torch.empty(rows, columns, device=device, dtype=dtype)

    def multiply() -> None:
        torch.mm(left, right, out=result)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    multiply()
    return 2.0 * rows * inner * columns / _least_seconds(multiply)


def _write(file: Path, num_bytes: int) -> None:
    block = np.random.default_rng(0).bytes(min(BLOCK_BYTES, num_bytes))
    with file.open("wb", buffering=0) as stream:
        for _ in range(max(1, num_bytes // len(block))):
            stream.write(block)
        os.fsync(stream.fileno())


def _reading_seconds(file: Path) -> float:
    with file.open("rb", buffering=0) as stream:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        started = time.perf_counter()
        while stream.read(BLOCK_BYTES):
            pass
        return time.perf_counter() - started
