from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.tiny_embeddings import margins, numbers, write_embeddings
from tools.catalogue import duplicate_pairs
from tools.catalogue.duplicate_pairs import FoundPairs, find_pairs, neighbours_above
from tools.catalogue.index_folder import open_index
from tools.catalogue.index_sync import IndexChoice, synchronise
from tools.catalogue.search_backend import Neighbour, Numbers

BOUND = 2.0


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicate_pairs, "BLOCK", 8)
    monkeypatch.setattr(duplicate_pairs, "FIRST_DEPTH", 2)


def find(folder: Path, packed: Numbers, ids: Sequence[str] | None = None, bound: float = BOUND) -> FoundPairs:
    """Bring the index up to the embeddings and find its pairs."""
    embeddings = write_embeddings(folder / "embeddings", packed, ids)
    synchronise(embeddings, folder / "index", IndexChoice())
    return find_pairs(open_index(folder / "index"), bound, folder / "found")


def slow_pairs(packed: Numbers, bound: float = BOUND) -> dict[tuple[int, int], float]:
    """Compare all with all."""
    values: NDArray[np.float64] = margins(packed, packed)
    above = zip(*np.nonzero(np.triu(values > bound, 1)), strict=True)
    return {(int(one), int(other)): float(values[one, other]) for one, other in above}


def as_dict(found: FoundPairs) -> dict[tuple[int, int], float]:
    pairs = zip(found.source.tolist(), found.target.tolist(), strict=True)
    return dict(zip(pairs, found.margin.tolist(), strict=True))


def test_all_pairs_above_the_bound_are_found_once(tmp_path: Path) -> None:
    found = find(tmp_path, numbers(30))
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30)), rel=1e-5)
    assert len(found.margin) == len(slow_pairs(numbers(30))) > 20
    assert (found.num_searched, found.num_cut_off) == (30, 0)


def test_margins_have_all_their_digits(tmp_path: Path) -> None:
    found = find(tmp_path, numbers(30))
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30)), rel=1e-12)
    again = find(tmp_path, numbers(30))
    assert (again.num_searched, as_dict(again)) == (0, as_dict(found))


def test_blocks_of_rounded_margins_are_searched_for_again(tmp_path: Path) -> None:
    find(tmp_path, numbers(30))
    file = tmp_path / "found" / "block_00000.npz"
    with np.load(file) as kept:
        content = dict(kept)
    np.savez(file, **{**content, "margin": content["margin"].astype(np.float32)})
    found = find(tmp_path, numbers(30))
    assert found.num_searched == 30
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30)), rel=1e-12)


def test_after_items_were_added_only_they_are_searched_for(tmp_path: Path) -> None:
    find(tmp_path, numbers(30)[:21])
    found = find(tmp_path, numbers(30))
    assert found.num_searched == 9
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30)), rel=1e-5)
    assert find(tmp_path, numbers(30)).num_searched == 0


def test_pairs_of_removed_items_are_left_out(tmp_path: Path) -> None:
    find(tmp_path, numbers(30))
    found = find(tmp_path, numbers(30)[:20])
    assert found.num_searched == 0
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30)[:20]), rel=1e-5)


def test_a_changed_item_is_searched_for_again(tmp_path: Path) -> None:
    find(tmp_path, numbers(30))
    packed = numbers(30)
    packed[4] *= 2
    found = find(tmp_path, packed)
    assert found.num_searched == 1
    moved = {row: 30 if row == 4 else row for row in range(30)}  # the row that the item has now
    expected = {tuple(sorted((moved[one], moved[other]))): value for (one, other), value in slow_pairs(packed).items()}
    assert as_dict(found) == pytest.approx(expected, rel=1e-5)


def test_a_killed_search_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, calls = duplicate_pairs.neighbours_above, []

    def killed(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(duplicate_pairs, "neighbours_above", killed)
        with pytest.raises(KeyboardInterrupt):
            find(tmp_path, numbers(30))
    found = find(tmp_path, numbers(30))
    assert found.num_searched == 30 - 2 * 8
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30)), rel=1e-5)


def test_a_higher_bound_takes_what_was_found_and_a_lower_one_searches_again(tmp_path: Path) -> None:
    find(tmp_path, numbers(30))
    assert find(tmp_path, numbers(30), bound=BOUND + 1).num_searched == 0
    found = find(tmp_path, numbers(30), bound=BOUND - 1)
    assert found.num_searched == 30
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30), BOUND - 1), rel=1e-5)


def test_items_with_more_matches_than_are_kept_are_counted_by_the_bound_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_pairs, "MOST", 4)
    values = margins(numbers(30), numbers(30))
    for bound in (-1.0, 5.0):
        found = find(tmp_path, numbers(30), bound=bound)
        assert found.num_cut_off == ((values > bound).sum(axis=1) >= 4).sum() > 0
        assert found.num_searched == (30 if bound < 0 else 0)


def test_what_was_found_in_another_catalogue_is_not_taken(tmp_path: Path) -> None:
    find(tmp_path, numbers(30))
    embeddings = write_embeddings(tmp_path / "embeddings", numbers(30, seed=5))
    synchronise(embeddings, tmp_path / "index", IndexChoice(rebuild=True))
    found = find_pairs(open_index(tmp_path / "index"), BOUND, tmp_path / "found")
    assert found.num_searched == 30
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30, seed=5)), rel=1e-5)


def test_a_damaged_block_is_searched_for_again(tmp_path: Path) -> None:
    find(tmp_path, numbers(30))
    file = tmp_path / "found" / "block_00002.npz"
    file.write_bytes(file.read_bytes()[:-30])
    found = find(tmp_path, numbers(30))
    assert found.num_searched == 30 - 16
    assert as_dict(found) == pytest.approx(slow_pairs(numbers(30)), rel=1e-5)


def test_a_search_goes_as_deep_as_there_are_matches_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    class Alike:
        """Ninety items, all of margin 1."""

        def search(self, packed: Numbers, k: int) -> list[list[Neighbour]]:
            return [[Neighbour(str(row), 1.0) for row in range(min(k, 90))] for _ in packed]

    assert [len(own) for own in neighbours_above(Alike(), numbers(2), 0.5)] == [90, 90]  # type: ignore[arg-type]
    assert neighbours_above(Alike(), numbers(2), 1.0) == [[], []]  # type: ignore[arg-type]
    monkeypatch.setattr(duplicate_pairs, "MOST", 50)
    assert [len(own) for own in neighbours_above(Alike(), numbers(2), 0.5)] == [50, 50]  # type: ignore[arg-type]
