import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import data.compact_rows
from data.compact_rows import FlatRows, HashIndex, text_hash

TEXTS = st.lists(st.text(st.characters(categories=None), max_size=4), max_size=30)


@given(rows=st.lists(st.binary(max_size=20)), choice=st.data())
def test_rows_and_any_choice_of_them_are_those_of_a_list(rows: list[bytes], choice: st.DataObject) -> None:
    flat = FlatRows(rows)
    assert (len(flat), list(flat)) == (len(rows), rows)
    chosen = choice.draw(st.lists(st.integers(0, len(rows) - 1))) if rows else []
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


@pytest.mark.parametrize("hashed", [text_hash, lambda text: 2**64 - 1, len], ids=["its own", "one", "lengths"])
def test_any_texts_are_found_and_told_apart_as_their_hashes_are(hashed: Callable[[str], int]) -> None:
    @given(texts=TEXTS, asked=st.text(max_size=4), choice=st.data())
    def check(texts: list[str], asked: str, choice: st.DataObject) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(data.compact_rows, "text_hash", hashed)
            index = HashIndex(map(hashed, texts))
            for text in [*texts, asked]:
                assert index.rows(text) == [row for row, other in enumerate(texts) if hashed(other) == hashed(text)]
            hashes = list(map(hashed, texts))
            assert index.repeated() == [row for row, value in enumerate(hashes) if value in hashes[:row]]
            chosen = choice.draw(st.permutations(range(len(texts))))[:5]
            selected = index.select(np.array(chosen, np.int64))
            for text in texts:
                assert selected.rows(text) == [
                    place for place, row in enumerate(chosen) if hashed(texts[row]) == hashed(text)
                ]

    check()


def test_a_text_has_the_same_hash_in_every_process() -> None:
    program = "from data.compact_rows import text_hash; print(text_hash('花瓶'))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(run.stdout) == text_hash("花瓶")


def test_texts_of_half_characters_have_hashes() -> None:
    assert text_hash("\ud83d") != text_hash("\ude00")


def test_a_hundred_thousand_ids_have_as_many_hashes_of_all_64_bits() -> None:
    hashes = {text_hash(str(number)) for number in range(100_000)}
    assert len(hashes) == 100_000
    assert max(hashes) > 2**63
