from pathlib import Path

import faiss
import numpy as np
import pytest
import torch

from data.item_pair import PairTable
from engine.encode import EncodedItems
from engine.pair_scores import score_pairs
from options.errors import UserError
from tests.tiny_embeddings import HALF, margins, numbers
from tools.catalogue.faiss_index import FaissIndex, _nearest_lists, _trained, create_index, load_index, sample_size
from tools.catalogue.index_plan import KINDS, KindName, plan_index

IDS = [f"item{row}" for row in range(300)]


def built(kind: KindName, probes: int) -> FaissIndex:
    packed = numbers(300)
    plan = plan_index(kind, 300, 2 * HALF, 1e9)
    index = create_index(plan, packed, HALF, probes)
    index.add(IDS[:200], packed[:200])
    index.add(IDS[200:], packed[200:])
    return index


def test_the_flat_kind_gives_the_scores_of_pairs_and_the_ten_best_of_all() -> None:
    # Both scores are large beside their difference, as those of embeddings that are not normalised.
    packed = numbers(300) + 3
    source, target = (rows.ravel() for rows in np.indices((20, 300)))
    items = EncodedItems(torch.from_numpy(packed), torch.zeros(300, dtype=torch.bool))
    scores = score_pairs(items, PairTable(source, target, None), HALF)
    margin = scores.margin.reshape(20, 300)
    bound = 1e-5 * (np.abs(scores.match) + np.abs(scores.threshold)).reshape(20, 300)

    index = create_index(plan_index("flat", 300, 2 * HALF, 1e9), packed, HALF, 1)
    index.add(IDS, packed)
    for row, found in enumerate(index.search(packed[:20], 300)):
        rows = [IDS.index(item_id) for item_id, _ in found]
        assert rows[:10] == np.argsort(-margin[row])[:10].tolist()
        assert sorted(rows) == list(range(300))
        assert (np.abs([value for _, value in found] - margin[row, rows]) <= bound[row, rows]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_finds_nearly_all_once_it_looks_everywhere(kind: KindName) -> None:
    queries = numbers(20, seed=1)
    order = np.argsort(-margins(queries, numbers(300)), axis=1)[:, :10]
    found = built(kind, probes=300).search(queries, 30)
    hits = [
        len({f"item{row}" for row in rows} & {item_id for item_id, _ in own})
        for own, rows in zip(found, order, strict=True)
    ]
    assert np.mean(hits) / 10 >= (0.9 if kind == "ivf_pq" else 0.99)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_index_finds_the_same_memory_mapped_or_not(kind: KindName, tmp_path: Path) -> None:
    index = built(kind, probes=4)
    index.save(tmp_path / "vectors.faiss")
    expected = index.search(numbers(5, seed=1), 10)
    for mapped in (True, False):
        loaded = load_index(tmp_path / "vectors.faiss", kind, HALF, IDS, 4, mapped)
        assert loaded.search(numbers(5, seed=1), 10) == expected


def test_more_lists_looked_through_find_more() -> None:
    queries, order = numbers(40, seed=1), np.argsort(-margins(numbers(40, seed=1), numbers(300)), axis=1)[:, :10]
    recalls = []
    for probes in (1, 8, 32):
        found = built("ivf_fp16", probes).search(queries, 10)
        recalls.append(
            sum(
                f"item{row}" in {item_id for item_id, _ in own}
                for own, rows in zip(found, order, strict=True)
                for row in rows
            )
        )
    assert recalls == sorted(set(recalls))


def test_long_items_do_not_gather_in_one_list() -> None:
    packed = numbers(300) * np.linspace(1, 50, 300, dtype=np.float32)[:, None]
    index = create_index(plan_index("ivf_fp16", 300, 2 * HALF, 1e9), packed, HALF, probes=4)
    index.add(IDS, packed)
    # Every item is in the list of its nearest centroid, so that it is found where it is itself asked for.
    own = packed.copy()
    own[:, :HALF] *= -1
    best = [found[0].item_id if found else None for found in index.search(own, 1)]
    assert np.mean([one == expected for one, expected in zip(best[150:], IDS[150:], strict=True)]) > 0.6


def test_exact_kinds_and_graphs_learn_from_no_sample() -> None:
    assert {kind for kind in KINDS if not sample_size(plan_index(kind, 300, 16, 1e9))} == {"flat", "flat_fp16", "hnsw"}


@pytest.mark.parametrize("content", [b"", b"IxF2 and no more"])
def test_a_file_that_is_cut_off_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "vectors.faiss"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"vectors\.faiss: cannot be read as an index"):
        load_index(file, "flat", HALF, [], 1, mapped=True)


def test_an_index_of_other_items_is_refused(tmp_path: Path) -> None:
    built("flat", 1).save(tmp_path / "vectors.faiss")
    with pytest.raises(UserError, match=r"has 300 rows, not 2; build it again"):
        load_index(tmp_path / "vectors.faiss", "flat", HALF, ["a", "b"], 1, mapped=True)


def test_product_quantisation_of_too_few_items_is_refused() -> None:
    with pytest.raises(UserError, match="learns from at least 256 items, not 100"):
        create_index(plan_index("ivf_pq", 100, 2 * HALF, 1e9), numbers(100), HALF, 1)


def test_codes_in_an_order_that_no_search_asks_for_are_not_learned_and_change_nothing() -> None:
    packed = np.ascontiguousarray(numbers(300)[:, :8])  # of one code, since that takes seconds
    plan = plan_index("ivf_pq", 300, 8, 1e9)
    ours = _trained(plan, packed, None)
    assert not ours.do_polysemous_training
    theirs = faiss.clone_index(ours)
    theirs.reset()
    theirs.do_polysemous_training, theirs.is_trained = True, False
    with _nearest_lists(theirs):
        theirs.train(packed)
    found = []
    for index in (ours, theirs):
        with _nearest_lists(index):
            index.add(packed)
        index.nprobe = index.nlist
        found.append(index.search(packed[:20], 30))
    (our_margins, our_rows), (their_margins, their_rows) = found
    assert theirs.polysemous_ht == 0
    assert our_margins.tolist() == their_margins.tolist()
    assert our_rows.tolist() == their_rows.tolist()
