"""What both back ends promise, FAISS and Milvus, and what the embeddings themselves add to it."""

from pathlib import Path

import numpy as np
import pytest

from engine.decision_rule import DecisionRule
from tests.tiny_embeddings import HALF, margins, numbers, write_embeddings
from tools.catalogue.embedding_folder import EmbeddingFolder
from tools.catalogue.faiss_index import create_index
from tools.catalogue.index_plan import plan_index
from tools.catalogue.index_record import IndexedItem
from tools.catalogue.milvus_index import MilvusIndex
from tools.catalogue.rescored_search import IndexedNumbers, RescoredSearch
from tools.catalogue.search_backend import Numbers, SearchBackend

NAMES = ["faiss", "milvus"]


def make(name: str, folder: Path, packed: Numbers) -> SearchBackend:
    backend: SearchBackend
    if name == "milvus":
        backend = MilvusIndex(str(folder / "milvus.db"), "items", HALF)
        backend.create(packed.shape[1], "FLAT")
    else:
        plan = plan_index("flat", len(packed), packed.shape[1], 1e9)
        backend = create_index(plan, packed, HALF, 1)
    backend.add([f"商品{row}" for row in range(len(packed))], packed)
    return backend


@pytest.fixture(params=NAMES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> SearchBackend:
    return make(request.param, tmp_path, numbers(40))


def rescored(searched: SearchBackend, is_exact: bool, embeddings: EmbeddingFolder, ids: list[str]) -> RescoredSearch:
    items = [IndexedItem(item_id, "", "", row) for row, item_id in enumerate(ids)]
    return RescoredSearch(searched, is_exact, IndexedNumbers(embeddings, items), items, HALF, embeddings.path)


def found_rows(backend: SearchBackend, queries: Numbers, k: int) -> list[list[int]]:
    return [[int(item_id.removeprefix("商品")) for item_id, _ in own] for own in backend.search(queries, k)]


def test_the_best_items_are_those_of_comparing_all(backend: SearchBackend) -> None:
    queries = numbers(9, seed=1)
    expected = margins(queries, numbers(40))
    order = np.argsort(-expected, axis=1)[:, :10]
    found = backend.search(queries, 10)
    assert found_rows(backend, queries, 10) == order.tolist()
    for own, rows, values in zip(found, order, expected, strict=True):
        np.testing.assert_allclose([margin for _, margin in own], values[rows], rtol=1e-5, atol=1e-6)


def test_removed_items_are_not_found_and_others_take_their_place(backend: SearchBackend) -> None:
    queries = numbers(3, seed=1)
    order = np.argsort(-margins(queries, numbers(40)), axis=1)
    gone = {int(row) for row in order[0, :12]}
    backend.remove([f"商品{row}" for row in gone])
    assert len(backend) == 28
    assert found_rows(backend, queries, 5) == [[row for row in own if row not in gone][:5] for own in order.tolist()]


def test_an_item_that_was_removed_can_be_added_with_other_numbers(backend: SearchBackend) -> None:
    other = 3 * numbers(1, seed=7)
    other[:, :HALF] = 0
    backend.remove(["商品4"])
    backend.add(["商品4"], other)
    assert len(backend) == 40
    best = backend.search(other, 1)[0][0]
    assert best.item_id == "商品4"
    assert best.margin == pytest.approx(float((other**2).sum()), rel=1e-5)


def test_more_than_there_are_gives_all(backend: SearchBackend) -> None:
    backend.remove([f"商品{row}" for row in range(38)])
    assert sorted(found_rows(backend, numbers(2, seed=1), 10)[0]) == [38, 39]


def test_both_back_ends_decide_alike(tmp_path: Path) -> None:
    packed = numbers(60)
    rule = DecisionRule(1.5)
    decided = []
    for name in NAMES:
        (tmp_path / name).mkdir()
        backend = make(name, tmp_path / name, packed)
        found = backend.search(packed, 60)
        decided.append([{item_id for item_id, margin in own if margin > rule.threshold} for own in found])
    assert decided[0] == decided[1]
    assert any(decided[0])


def test_approximate_margins_become_exact_and_ordered(tmp_path: Path) -> None:
    packed = numbers(300)
    embeddings = write_embeddings(tmp_path, packed, shard_items=64)
    rough = create_index(plan_index("ivf_pq", 300, 2 * HALF, 1e9), packed, HALF, probes=300)
    ids = [f"item{row}" for row in range(300)]
    rough.add(ids, packed)
    exact = rescored(rough, False, embeddings, ids)
    queries = numbers(10, seed=1)
    expected = margins(queries, packed)
    for own, values in zip(exact.search(queries, 10), expected, strict=True):
        found = [margin for _, margin in own]
        assert found == sorted(found, reverse=True)
        np.testing.assert_allclose(found, [values[ids.index(item_id)] for item_id, _ in own], rtol=1e-5, atol=1e-5)
    best = [own[0].item_id for own in exact.search(queries, 10)]
    assert sum(one == f"item{row}" for one, row in zip(best, expected.argmax(axis=1), strict=True)) >= 9


def test_margins_that_nearly_cancel_are_those_of_pairs_and_in_their_order(tmp_path: Path) -> None:
    packed = numbers(200)
    packed[:, :HALF] = packed[:, HALF:] * (1 + 1e-4 * numbers(200, seed=2)[:, :HALF])
    packed *= 30
    embeddings = write_embeddings(tmp_path, packed)
    ids = [f"item{row}" for row in range(200)]
    flat = create_index(plan_index("flat", 200, 2 * HALF, 1e9), packed, HALF, probes=1)
    flat.add(ids, packed)
    search = rescored(flat, True, embeddings, ids)
    expected = margins(packed[:20].astype(np.float64), packed.astype(np.float64))
    for own, values in zip(search.search(packed[:20], 10), expected, strict=True):
        best = np.argsort(-values, kind="stable")[:10]
        assert [item_id for item_id, _ in own] == [f"item{row}" for row in best]
        np.testing.assert_allclose([margin for _, margin in own], values[best], rtol=1e-9)
