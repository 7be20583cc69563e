import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.flat_rows import FlatRows


@given(rows=st.lists(st.binary(max_size=20)), data=st.data())
def test_rows_and_any_choice_of_them_are_those_of_a_list(rows: list[bytes], data: st.DataObject) -> None:
    flat = FlatRows(rows)
    assert (len(flat), list(flat)) == (len(rows), rows)
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1))) if rows else []
    selected = flat.select(np.array(chosen, np.int64))
    assert list(selected) == [rows[row] for row in chosen]
    assert list(flat) == rows


def test_a_row_beyond_the_last_is_refused() -> None:
    with pytest.raises(IndexError):
        FlatRows([b"a"])[1]


def test_most_of_the_rows_are_selected_without_copying_them() -> None:
    flat = FlatRows(bytes([row]) * 10_000 for row in range(100))
    tracemalloc.start()
    selected = flat.select(np.arange(10, 90))
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
    assert selected[79] == bytes([89]) * 10_000


def test_a_few_rows_do_not_hold_on_to_the_others() -> None:
    flat = FlatRows(bytes([row]) * 10_000 for row in range(100))
    assert len(pickle.dumps(flat.select(np.arange(3)))) < 40_000
