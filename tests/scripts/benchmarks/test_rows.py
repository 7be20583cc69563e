"""Every row, with tiny models and data."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.catalogue import measure_catalogue
from scripts.benchmarks.decoding import measure_decoding
from scripts.benchmarks.encoding import measure_full_size, measure_precisions
from scripts.benchmarks.evaluation import measure_evaluation
from scripts.benchmarks.growth import measure_growth
from scripts.benchmarks.image_store import measure_image_store
from scripts.benchmarks.loader_wait import measure_loader_wait
from scripts.benchmarks.prediction import measure_prediction
from scripts.benchmarks.record import BenchmarkRow
from scripts.benchmarks.submission_lines import measure_submission_lines
from scripts.benchmarks.training import measure_checkpointing, measure_training
from tests.scripts.benchmarks.conftest import assert_sane

Measure = Callable[[Bench], list[BenchmarkRow]]
ROWS: dict[str, tuple[Measure, int, int]] = {
    "prediction": (measure_prediction, 1, 2),
    "training": (measure_training, 1, 1),
    "checkpointing": (measure_checkpointing, 1, 0),
    "full-size": (measure_full_size, 2, 0),
    "precisions": (measure_precisions, 2, 0),
    "lines": (measure_submission_lines, 1, 2),
    "decoding": (measure_decoding, 1, 0),
    "image-store": (measure_image_store, 4, 0),
    "catalogue": (measure_catalogue, 1, 0),
    "loader-wait": (measure_loader_wait, 2, 0),
    "evaluation": (measure_evaluation, 1, 2),
    "growth": (measure_growth, 2, 0),
}
"""How each is measured, its lines and its checks."""


@pytest.mark.parametrize("name", ROWS)
def test_a_row_gives_sane_figures_and_its_ways_agree(bench: Bench, name: str) -> None:
    measure, num_rows, num_checks = ROWS[name]
    rows = measure(bench)
    assert [row.row for row in rows] == [name] * num_rows
    for row in rows:
        assert_sane(row)
        assert row.reference is not None
        assert len(row.checks) == num_checks


def test_the_command_offers_every_row() -> None:
    file = Path(__file__).parents[3] / "scripts" / "benchmark.py"
    specification = importlib.util.spec_from_file_location("benchmark", file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    assert set(module.ROWS) == {*ROWS, "start-up", "exchange"}
    for row in module.ROWS:
        assert f"\n{row} " in module.__doc__
