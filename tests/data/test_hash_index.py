import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import data.hash_index
from data.hash_index import HashIndex, text_hash

TEXTS = st.lists(st.text(st.characters(categories=None), max_size=4), max_size=30)


@pytest.mark.parametrize("hashed", [text_hash, lambda text: 2**64 - 1, len], ids=["its own", "one", "lengths"])
def test_any_texts_are_found_and_told_apart_as_their_hashes_are(hashed: Callable[[str], int]) -> None:
    @given(texts=TEXTS, asked=st.text(max_size=4), choice=st.data())
    def check(texts: list[str], asked: str, choice: st.DataObject) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(data.hash_index, "text_hash", hashed)
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
    program = "from data.hash_index import text_hash; print(text_hash('花瓶'))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(run.stdout) == text_hash("花瓶")


def test_texts_of_half_characters_have_hashes() -> None:
    assert text_hash("\ud83d") != text_hash("\ude00")


def test_a_hundred_thousand_ids_have_as_many_hashes_of_all_64_bits() -> None:
    hashes = {text_hash(str(number)) for number in range(100_000)}
    assert len(hashes) == 100_000
    assert max(hashes) > 2**63
