import pytest

from benchmarks.speed.growth import exponent
from benchmarks.speed.loader_wait import Waiting, epoch_steps
from benchmarks.speed.operator_shares import OTHERS, operator_kind


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
