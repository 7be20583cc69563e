import importlib
from collections.abc import Callable

import pytest

from benchmarks.speed.bench import Bench
from benchmarks.speed.catalogue import measure_catalogue
from benchmarks.speed.decoding import measure_decoding, measure_image_store
from benchmarks.speed.encoding import OTHERS, measure_full_size, measure_precisions, operator_kind
from benchmarks.speed.evaluation import measure_evaluation
from benchmarks.speed.loader_wait import Waiting, epoch_steps, measure_loader_wait
from benchmarks.speed.prediction import exponent, measure_growth, measure_prediction
from benchmarks.speed.record import BenchmarkRow
from benchmarks.speed.submissions import measure_submission_lines
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


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 2.0])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    sizes = [100.0, 1000.0, 10_000.0]
    assert exponent(sizes, [3.0 * size**power for size in sizes]) == pytest.approx(power, abs=1e-9)


def test_an_epoch_takes_each_pair_once_and_at_most_so_many_steps() -> None:
    assert [epoch_steps(100, 32, 50), epoch_steps(100, 32, 2), epoch_steps(3, 32, 50)] == [3, 2, 1]


def test_waiting_passes_batches_on_and_counts() -> None:
    waiting = Waiting(iter([1, 2, 3]))
    assert [*waiting] == [1, 2, 3]
    assert len(waiting.seconds) == 3
    whole = waiting.round()
    first, rest = whole.figures
    assert (first, rest) == (waiting.seconds[0], sum(waiting.seconds[1:]))
    assert whole.seconds >= first + rest


def test_operators_are_told_apart() -> None:
    names = (
        "aten::addmm",
        "aten::_scaled_dot_product_flash_attention_for_cpu",
        "aten::native_layer_norm",
        "aten::roll",
    )
    assert [operator_kind(name) for name in names] == ["matrix products", "attention", "layer norm", "copies and rolls"]
    assert operator_kind("aten::something") == OTHERS
