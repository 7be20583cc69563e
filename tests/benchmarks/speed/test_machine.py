from pathlib import Path

import pytest
import torch

from benchmarks.speed.bench import Bench
from benchmarks.speed.machine import (
    decoding_rate,
    disk_reading_rate,
    disk_writing_rate,
    machine,
    matrix_product_rate,
    matrix_products,
    memory_rate,
    processor_name,
)
from benchmarks.speed.settings import TINY
from benchmarks.speed.workload import write_photographs


def test_matrix_products_reach_a_plausible_rate() -> None:
    assert 1e8 < matrix_product_rate([(256, 256, 256)]) < 1e15
    assert matrix_product_rate([(64, 64, 64)], torch.float64, torch.device("cpu")) > 1e7


def test_a_copy_reaches_a_plausible_rate() -> None:
    assert 1e8 < memory_rate(1 << 22) < 1e13


def test_the_disk_leaves_no_file_behind(tmp_path: Path) -> None:
    assert disk_writing_rate(tmp_path, 1 << 16) > 0
    assert disk_reading_rate(tmp_path, 1 << 16) > 0
    assert not [*tmp_path.iterdir()]


def test_photographs_are_decoded(tmp_path: Path) -> None:
    assert 1 < decoding_rate(write_photographs(tmp_path / "photos", 2, 64)) < 1e6


def test_a_limit_is_measured_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr("benchmarks.speed.bench.matrix_product_rate", lambda shapes: calls.append(shapes) or 7.0)
    assert bench.matrix_products(TINY) == bench.matrix_products(TINY) == 7.0
    assert len(calls) == 1
    assert [limit.rate for limit in bench.limits.values()] == [7.0]


def test_the_machine_is_named(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Some Processor 9000\n")
    assert processor_name(tmp_path / "cpuinfo") == "Some Processor 9000"
    facts = machine(3)
    assert facts["threads"] == "3"
    assert facts["torch"] == torch.__version__.partition("+")[0]


def test_matrix_products_of_any_number_of_operations_take_time_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []

    def multiply(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> None:
        calls.append((*left.shape, *right.shape))

    monkeypatch.setattr("benchmarks.speed.machine._product_rate", lambda shape, dtype, device: shape[0])
    monkeypatch.setattr("benchmarks.speed.machine.time.perf_counter", lambda: float(len(calls)))
    work = matrix_products([(8, 2, 4), (16, 2, 4)], 2.0 * 16 * 2 * 4 * 2.5)
    monkeypatch.setattr(torch, "mm", multiply)
    assert work().seconds == 2.5
    assert calls == [(16, 2, 2, 4)] * 2
