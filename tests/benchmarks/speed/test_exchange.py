import os

import pytest

from benchmarks.gpu.processes import GpuRow
from benchmarks.gpu.variants import OTHER_BUCKETS, GpuVariant
from benchmarks.speed import exchange
from benchmarks.speed.bench import Bench
from benchmarks.speed.exchange import NUM_PROCESSES, PAIRS, measure_exchange
from benchmarks.speed.settings import ModelSize
from tests.benchmarks.speed.conftest import assert_sane


def test_each_way_of_sending_gradients_is_held_against_ours(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[GpuVariant, str | None]] = []

    def measure(variant: GpuVariant, size: ModelSize, num_steps: int, device_type: str) -> GpuRow:
        asked.append((variant, os.environ.get("OMP_NUM_THREADS")))
        seconds = 3.0 if variant.static_graph else 1.0 + variant.bucket_mebibytes / 100
        return GpuRow(variant, (seconds,) * num_steps, 1 << 30)

    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setattr(exchange, "measure_variant", measure)
    rows = measure_exchange(bench)
    for row in rows:
        assert_sane(row)
        assert row.count == PAIRS * NUM_PROCESSES * bench.settings.training_steps
    assert [row.reference_title for row in rows] == [
        *(f"buckets of {size} MiB" for size in OTHER_BUCKETS),
        "the same with a static graph",
    ]
    assert [row.ratio for row in rows] == [pytest.approx(ratio) for ratio in (1.05 / 1.25, 2.0 / 1.25, 3.0 / 1.25)]
    assert all(variant.num_gpus == NUM_PROCESSES and threads == "1" for variant, threads in asked)
    assert os.environ["OMP_NUM_THREADS"] == "7"
