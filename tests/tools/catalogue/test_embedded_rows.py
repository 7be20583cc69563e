from pathlib import Path

import numpy as np
import pytest

from tests.tiny_embeddings import HALF, margins, numbers, write_embeddings
from tools.catalogue.embedded_rows import EmbeddedRows, RescoredSearch
from tools.catalogue.faiss_index import create_index
from tools.catalogue.index_plan import plan_index


def test_rows_are_taken_from_whichever_shard_has_them(tmp_path: Path) -> None:
    rows = EmbeddedRows(write_embeddings(tmp_path, numbers(20), number_type="float16"))
    order = [19, 0, 6, 7, 13, 14, 7]
    np.testing.assert_array_equal(rows.take(order), numbers(20).astype(np.float16).astype(np.float32)[order])
    assert rows.take([]).shape == (0, 2 * HALF)


@pytest.mark.parametrize(("count", "expected"), [(3, [0, 10, 19]), (50, list(range(20)))])
def test_a_sample_is_spread_over_all_rows(count: int, expected: list[int], tmp_path: Path) -> None:
    rows = EmbeddedRows(write_embeddings(tmp_path, numbers(20)))
    np.testing.assert_array_equal(rows.sample(count), numbers(20)[expected])


def test_approximate_margins_become_exact_and_ordered(tmp_path: Path) -> None:
    packed = numbers(300)
    rows = EmbeddedRows(write_embeddings(tmp_path, packed, shard_items=64))
    rough = create_index(plan_index("ivf_pq", 300, 2 * HALF, 1e9), packed, HALF, probes=300)
    ids = [f"item{row}" for row in range(300)]
    rough.add(ids, packed)
    exact = RescoredSearch(rough, False, rows, {item_id: row for row, item_id in enumerate(ids)}, HALF)
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
    rows = EmbeddedRows(write_embeddings(tmp_path, packed))
    ids = [f"item{row}" for row in range(200)]
    flat = create_index(plan_index("flat", 200, 2 * HALF, 1e9), packed, HALF, probes=1)
    flat.add(ids, packed)
    search = RescoredSearch(flat, True, rows, {item_id: row for row, item_id in enumerate(ids)}, HALF)
    expected = margins(packed[:20].astype(np.float64), packed.astype(np.float64))
    for own, values in zip(search.search(packed[:20], 10), expected, strict=True):
        best = np.argsort(-values, kind="stable")[:10]
        assert [item_id for item_id, _ in own] == [f"item{row}" for row in best]
        np.testing.assert_allclose([margin for _, margin in own], values[best], rtol=1e-9)
