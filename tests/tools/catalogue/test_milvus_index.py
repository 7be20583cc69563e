"""Ids of every kind, in both back ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.tiny_embeddings import HALF, numbers
from tools.catalogue.faiss_index import create_index
from tools.catalogue.index_plan import plan_index
from tools.catalogue.milvus_index import MilvusIndex, escaped, unescaped
from tools.catalogue.search_backend import SearchBackend

CHARACTERS = st.one_of(
    st.sampled_from("'\"\\%;#{}[]()&|=!~,\0\n\r\t\x7f\x85\u2028😀商aA1 "), st.characters(exclude_categories=["Cs"])
)
IDS = st.lists(st.text(CHARACTERS, min_size=1, max_size=12), min_size=1, max_size=6, unique=True)
LONG = ["'" * 60_000, "商" * 20_000, "a" * 60_000, "a" * 59_999 + "b"]


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusIndex]:
    index = MilvusIndex(str(tmp_path_factory.mktemp("ids") / "milvus.db"), "items", HALF)
    yield index
    index.close()


@given(ids=IDS)
@example(ids=["levi's-501", "levi\\'s-501", "levi%27;s-501", "levi%2527;s-501"])
@example(ids=["back\\slash", "back\\\\slash", "\\", "'", "''", '"', "%"])
@example(ids=["\0", "\x1f", "%#" + "0" * 64, "' or item_id != '"])
@example(ids=LONG)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", ["faiss", "milvus"])
def test_any_id_is_added_found_replaced_and_removed(name: str, ids: list[str], milvus: MilvusIndex) -> None:
    packed = 4 * numbers(2 * len(ids), seed=1)
    packed[:, :HALF] = 0
    backend: SearchBackend
    if name == "milvus":
        milvus.create(2 * HALF, "FLAT")
        backend = milvus
    else:
        backend = create_index(plan_index("flat", len(ids), 2 * HALF, 1e9), packed, HALF, 1)
    backend.add(ids, packed[: len(ids)])
    assert {own.item_id for own in backend.search(packed[:1], len(ids))[0]} == set(ids)
    backend.remove(ids[:1])
    assert {own.item_id for own in backend.search(packed[:1], len(ids))[0]} == set(ids[1:])
    backend.add(ids[:1], packed[len(ids) : len(ids) + 1])
    margins = dict(backend.search(packed[len(ids) : len(ids) + 1], len(ids))[0])
    assert margins[ids[0]] == pytest.approx(float((packed[len(ids)] ** 2).sum()), rel=1e-5)
    backend.remove(ids)
    assert len(backend) == 0


@given(st.text(CHARACTERS))
def test_escaping_can_be_undone(item_id: str) -> None:
    assert unescaped(escaped(item_id)) == item_id
    assert not set("'\"\\\0\n") & set(escaped(item_id))


@pytest.mark.parametrize("item_id", ["商品-12", "SKU_12/3", "two words", "a:b.c,d"])
def test_ordinary_ids_stay_readable(item_id: str) -> None:
    assert escaped(item_id) == item_id


def test_an_index_is_searched_after_it_was_closed(tmp_path: Path) -> None:
    first = MilvusIndex(str(tmp_path / "milvus.db"), "items", HALF)
    first.create(2 * HALF, "FLAT")
    first.add(LONG[:1], numbers(1))
    first.close()
    again = MilvusIndex(str(tmp_path / "milvus.db"), "items", HALF, LONG[:1])
    again._client.release_collection("items")  # as another process finds it
    again.load()
    assert [own.item_id for own in again.search(numbers(1), 3)[0]] == LONG[:1]
    again.close()
