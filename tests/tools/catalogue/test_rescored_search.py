"""In which order items are found, where margins are equal or nearly so."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from options.errors import UserError
from tests.tiny_embeddings import HALF, margins, numbers, write_embeddings
from tools.catalogue.index_folder import open_index
from tools.catalogue.index_plan import KINDS
from tools.catalogue.index_sync import IndexChoice, synchronise
from tools.catalogue.search import neighbours_of, shortfalls
from tools.catalogue.search_backend import Numbers

MILVUS = IndexChoice(backend="milvus")
EXACT = [IndexChoice(), IndexChoice(kind="flat_fp16"), MILVUS]
CHOICES = [IndexChoice(kind=kind, probes=2 if KINDS[kind].has_lists else None) for kind in KINDS] + [MILVUS]


def name(choice: IndexChoice) -> str:
    return choice.backend if choice.backend == "milvus" else choice.kind


def found(packed: Numbers, choice: IndexChoice, folder: Path, query: int, k: int) -> list[str]:
    if not (folder / "i").exists():
        synchronise(write_embeddings(folder / "e", packed), folder / "i", choice)
    index = open_index(folder / "i")
    own = neighbours_of(index, [f"item{query}"], k)[f"item{query}"]
    if choice.backend == "milvus":
        index.backend.close()  # type: ignore[attr-defined]
    pairs = [(-margin, index.rows[item_id]) for item_id, margin in own]
    assert pairs == sorted(pairs)
    return [item_id for item_id, _ in own]


def with_equals(count: int) -> Numbers:
    """Draw items of which some thirty are equal."""
    packed = 0.1 * numbers(count)
    packed[np.arange(30) * (count // 30)] = numbers(1, seed=5)
    packed[:, :HALF] *= 0.1
    return packed


@pytest.mark.parametrize("choice", CHOICES, ids=name)
def test_a_longer_list_begins_with_the_shorter_one(choice: IndexChoice, tmp_path: Path) -> None:
    lists = [found(with_equals(300), choice, tmp_path, 0, k) for k in (1, 2, 3, 12, 29, 40)]
    for shorter, longer in pairwise(lists):
        assert longer[: len(shorter)] == shorter
    assert lists[4] == [f"item{row}" for row in range(10, 300, 10)]


@pytest.mark.parametrize("choice", CHOICES, ids=name)
def test_a_longer_list_of_any_items_begins_with_the_shorter_one(choice: IndexChoice, tmp_path: Path) -> None:
    lists = [found(numbers(300), choice, tmp_path, 7, k) for k in (1, 2, 5, 17, 60)]
    assert all(lists[-1][: len(shorter)] == shorter for shorter in lists)


@pytest.mark.parametrize("choice", EXACT, ids=name)
def test_equal_items_come_in_the_order_of_their_rows(choice: IndexChoice, tmp_path: Path) -> None:
    packed = np.repeat(numbers(1), 30, axis=0)
    for k in (1, 2, 3, 30):
        assert found(packed, choice, tmp_path, 5, k) == [f"item{row}" for row in range(30) if row != 5][:k]


@pytest.mark.parametrize("choice", EXACT, ids=name)
def test_margins_that_are_equal_in_float32_are_told_apart(choice: IndexChoice, tmp_path: Path) -> None:
    packed = np.zeros((101, 2 * HALF), np.float32)
    packed[:, HALF] = 1
    packed[:, HALF + 1] = np.linspace(0, 1e-8, 101)
    packed[100, HALF + 1] = 1
    expected = [f"item{row}" for row in range(99, -1, -1)]
    for k in (1, 3, 100):
        assert found(packed, choice, tmp_path, 100, k) == expected[:k]


def test_the_best_of_all_are_found_in_both_back_ends(tmp_path: Path) -> None:
    packed = numbers(200)
    expected = np.argsort(-margins(packed[:1], packed)[0], kind="stable").tolist()
    names = [f"item{row}" for row in expected if row != 0][:20]
    for choice in EXACT:
        assert found(packed, choice, tmp_path / name(choice), 0, 20) == names


@pytest.mark.parametrize("kind", ["ivf_fp16", "ivf_sq8", "ivf_pq"])
def test_fewer_than_asked_for_are_said_with_the_number(kind: str, tmp_path: Path) -> None:
    choice = IndexChoice(kind=kind, probes=1)  # type: ignore[arg-type]
    synchronise(write_embeddings(tmp_path / "e", numbers(300)), tmp_path / "i", choice)
    index = open_index(tmp_path / "i")
    own = neighbours_of(index, ["item3"], 299)
    assert len(own["item3"]) < 299
    said = next(shortfalls(index, own, 299))
    assert said.startswith(f"'item3': the index found {len(own['item3'])} of the 299 items that were asked for")
    assert not list(shortfalls(index, neighbours_of(index, ["item3"], 1), 1))


def test_a_graph_finds_all_that_are_asked_for_or_it_is_said(tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "e", with_equals(714)), tmp_path / "i", IndexChoice(kind="hnsw"))
    index = open_index(tmp_path / "i")
    own = neighbours_of(index, ["item0"], 713)
    assert len(own["item0"]) == 713 or list(shortfalls(index, own, 713))


@pytest.mark.parametrize("choice", CHOICES, ids=name)
def test_numbers_that_the_index_cannot_keep_are_refused_with_their_item(choice: IndexChoice, tmp_path: Path) -> None:
    packed = numbers(300)
    synchronise(write_embeddings(tmp_path / "e", packed), tmp_path / "i", choice)
    packed[17, 3] = -70_000
    embeddings = write_embeddings(tmp_path / "e", packed)
    if choice.kind in ("flat_fp16", "hnsw", "ivf_fp16"):
        for folder in ("i", "new"):
            with pytest.raises(UserError, match=r"'item17': .* 70,000, and an index of kind .* none above 65,504"):
                synchronise(embeddings, tmp_path / folder, choice)
    else:
        synchronise(embeddings, tmp_path / "i", choice)
    packed[17, 3] = 1e19
    with pytest.raises(UserError, match="'item17': its embedding has a number of"):
        synchronise(write_embeddings(tmp_path / "e", packed), tmp_path / "i", choice)


def test_numbers_that_changed_after_the_index_was_built_are_not_searched(tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(300)), tmp_path / "i", IndexChoice())
    file = tmp_path / "e" / "shard_00000.npy"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"shard_00000\.npy: the embedding of 'item6' is not that of which"):
        neighbours_of(open_index(tmp_path / "i"), ["item6"], 3)
