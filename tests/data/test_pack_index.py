import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.pack_index import Entry, PackIndex

ENTRIES = st.builds(
    Entry,
    start=st.integers(0, 2**63 - 1),
    length=st.integers(0, 2**32 - 1),
    checksum=st.integers(0, 2**32 - 1),
    is_fault=st.booleans(),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=9).map(str.encode) | st.binary(max_size=9)


@given(st.dictionaries(NAMES, ENTRIES), st.lists(NAMES))
def test_every_name_finds_its_entry_and_no_other_name_one_also_after_writing(
    entries: dict[bytes, Entry], others: list[bytes]
) -> None:
    index = PackIndex.of(entries)
    again = PackIndex.from_bytes(len(index), index.to_bytes())
    for name in (*entries, *others, *(name + b"\0" for name in entries), *(name[:-1] for name in entries)):
        assert index.find(name) == again.find(name) == entries.get(name)
    assert len(index) == len(again) == len(entries)


@given(st.dictionaries(NAMES, ENTRIES, min_size=1), st.data())
def test_the_order_in_which_images_were_added_does_not_show(entries: dict[bytes, Entry], data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(entries.items()))))
    assert PackIndex.of(shuffled).to_bytes() == PackIndex.of(entries).to_bytes()


def test_a_million_images_take_tens_of_megabytes_and_microseconds_each() -> None:
    # Written as arrays: a million records would take the test seconds.
    names = [b"%07d.jpg" % number for number in range(1_000_000)]
    some = PackIndex.of({names[number]: Entry(number, 1, 2, False) for number in range(3)})
    entries = np.zeros(len(names), some.entries.dtype)
    entries["start"] = np.arange(len(names))
    index = PackIndex(entries, np.arange(len(names) + 1, dtype=np.int64) * 11, b"".join(names))
    assert len(index.to_bytes()) < 40e6
    for number in (0, 1, 499_999, 999_999):
        entry = index.find(names[number])
        assert entry is not None
        assert entry.start == number
    assert index.find(b"1000000.jpg") is index.find(b"") is None


def test_an_index_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        PackIndex.from_bytes(1, PackIndex.of({}).to_bytes())
