import math

import pytest

from options.errors import UserError
from tools.exchange.onnx.parity import BatchParity, parity_table, refuse_difference


def test_equal_is_what_differs_by_rounding() -> None:
    assert BatchParity(1, 9, 2.0, 1.9e-4).is_equal
    assert not BatchParity(1, 9, 2.0, 2.1e-4).is_equal
    assert not BatchParity(1, 9, 2.0, math.nan).is_equal
    assert not BatchParity(1, 9, math.nan, math.nan).is_equal


def test_every_batch_that_differs_is_named() -> None:
    refuse_difference([BatchParity(1, 9, 2.0, 1e-6)])
    with pytest.raises(UserError, match="in batches of 2, 5 items"):
        refuse_difference([BatchParity(1, 9, 1.0, 0.0), BatchParity(2, 9, 1.0, 1.0), BatchParity(5, 9, 1.0, 1.0)])


def test_the_table_has_a_line_a_batch() -> None:
    table = parity_table([BatchParity(1, 9, 2.0, 1e-6), BatchParity(32, 21, 2.5, 0.5)]).splitlines()
    assert [line.split() for line in table[2:]] == [
        ["1", "9", "2.0000", "1.00e-06", "yes"],
        ["32", "21", "2.5000", "5.00e-01", "no"],
    ]
