"""Every row, with tiny models and data."""

import importlib
from collections.abc import Callable

import pytest

from benchmarks.speed.bench import Bench
from benchmarks.speed.catalogue import measure_catalogue
from benchmarks.speed.decoding import measure_decoding
from benchmarks.speed.encoding import measure_full_size, measure_precisions
from benchmarks.speed.evaluation import measure_evaluation
from benchmarks.speed.growth import measure_growth
from benchmarks.speed.image_store import measure_image_store
from benchmarks.speed.loader_wait import measure_loader_wait
from benchmarks.speed.prediction import measure_prediction
from benchmarks.speed.record import BenchmarkRow
from benchmarks.speed.submission_lines import measure_submission_lines
from benchmarks.speed.training import measure_checkpointing, measure_training
from tests.benchmarks.speed.conftest import assert_sane

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
    module = importlib.import_module("benchmarks.speed.__main__")
    assert set(module.ROWS) == {*ROWS, "start-up", "exchange"}
    for row in module.ROWS:
        assert f"\n{row} " in module.__doc__
