import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from options.errors import UserError
from tests.tiny_embeddings import margins, numbers, write_embeddings
from tools.catalogue.index_folder import CatalogueIndex, open_index
from tools.catalogue.index_record import rows_digest
from tools.catalogue.index_sync import IndexChoice, synchronise
from tools.catalogue.milvus_index import MilvusIndex

CHOICES = [IndexChoice(), IndexChoice(kind="ivf_fp16", probes=100), IndexChoice(backend="milvus")]
NAMES = ["flat", "ivf_fp16", "milvus"]


@pytest.fixture(params=CHOICES, ids=NAMES)
def choice(request: pytest.FixtureRequest) -> IndexChoice:
    return request.param


def best_ids(index: CatalogueIndex, count: int = 3) -> list[list[str]]:
    return [[item_id for item_id, _ in own] for own in index.searcher.search(numbers(6, seed=9), count)]


def expected_ids(packed: np.ndarray, ids: list[str], count: int = 3) -> list[list[str]]:
    order = np.argsort(-margins(numbers(6, seed=9), packed), axis=1)[:, :count]
    return [[ids[row] for row in own] for own in order]


def as_once(file: Path) -> dict[str, object]:
    """Return an index.json as it was before it had a checksum of its own."""
    return {key: value for key, value in json.loads(file.read_text()).items() if key != "own_checksum"}


def test_an_index_finds_what_the_embeddings_hold(choice: IndexChoice, tmp_path: Path) -> None:
    change = synchronise(write_embeddings(tmp_path / "embeddings", numbers(30)), tmp_path / "index", choice)
    assert (change.num_added, change.num_removed, change.num_kept) == (30, 0, 0)
    index = open_index(tmp_path / "index")
    assert best_ids(index) == expected_ids(numbers(30), [f"item{row}" for row in range(30)])
    assert list(index.rows) == [f"item{row}" for row in range(30)]


def test_a_second_run_adds_new_removes_gone_and_replaces_changed_items(choice: IndexChoice, tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "embeddings", numbers(30)), tmp_path / "index", choice)
    before = open_index(tmp_path / "index", mapped=False)
    digest = rows_digest(before.items)
    if choice.backend == "milvus":
        assert isinstance(before.backend, MilvusIndex)
        before.backend.close()
    ids = [f"item{row}" for row in range(3, 40)]
    packed = numbers(40)[3:].copy()
    packed[5] = -packed[5]
    embeddings = write_embeddings(tmp_path / "embeddings", packed, ids)
    change = synchronise(embeddings, tmp_path / "index", choice)
    assert (change.num_added, change.num_removed, change.num_kept) == (11, 4, 26)
    index = open_index(tmp_path / "index")
    assert best_ids(index, 5) == expected_ids(packed, ids, 5)
    assert len(index.backend) == 37
    assert sorted(index.rows) == sorted(ids)
    # Rows are never given to another item, by which later work knows what it has done.
    assert rows_digest(index.items[:30]) == digest
    assert index.rows["item8"] == 38 - 8
    assert sorted(file.name for file in (tmp_path / "index").iterdir() if file.suffix == ".jsonl") == [
        "items_00002.jsonl"
    ]


def test_a_run_without_changes_changes_no_row(choice: IndexChoice, tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "embeddings", numbers(30))
    synchronise(embeddings, tmp_path / "index", choice)
    change = synchronise(embeddings, tmp_path / "index", choice)
    assert (change.num_added, change.num_removed, change.num_kept) == (0, 0, 30)


def test_a_rebuild_drops_what_was_removed(choice: IndexChoice, tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "embeddings", numbers(30)), tmp_path / "index", choice)
    embeddings = write_embeddings(tmp_path / "embeddings", numbers(12))
    change = synchronise(embeddings, tmp_path / "index", replace(choice, rebuild=True))
    assert (change.record.num_rows, change.record.num_removed) == (12, 0)
    assert best_ids(open_index(tmp_path / "index")) == expected_ids(numbers(12), [f"item{row}" for row in range(12)])


@pytest.mark.parametrize(
    ("weights", "changed", "what"),
    [
        ("other", {}, "the checkpoint is w"),
        ("w", {"kind": "hnsw"}, "the kind is flat"),
        ("w", {"backend": "milvus"}, "the engine is faiss"),
    ],
)
def test_another_checkpoint_kind_or_engine_needs_a_rebuild(
    weights: str, changed: dict[str, str], what: str, tmp_path: Path
) -> None:
    synchronise(write_embeddings(tmp_path / "embeddings", numbers(9)), tmp_path / "index", IndexChoice())
    other = write_embeddings(tmp_path / "others", numbers(9), weights=weights)
    with pytest.raises(UserError, match=f"{what}.*--rebuild replaces it"):
        synchronise(other, tmp_path / "index", replace(IndexChoice(), **changed))


@pytest.mark.parametrize(
    ("choice", "probes"),
    [
        (IndexChoice(kind="ivf_sq8"), 32),
        (IndexChoice(kind="hnsw"), 128),
        (IndexChoice(kind="hnsw", probes=7), 7),
        (IndexChoice(), 32),
    ],
)
def test_a_search_goes_as_deep_as_the_kind_needs_unless_told_otherwise(
    choice: IndexChoice, probes: int, tmp_path: Path
) -> None:
    change = synchronise(write_embeddings(tmp_path / "e", numbers(60)), tmp_path / "index", choice)
    assert change.record.probes == probes


def test_an_index_that_is_there_is_searched_as_deep_as_the_last_run_that_said_so_wants(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e", numbers(60))
    for probes, expected in ((None, 32), (5, 5), (None, 5)):
        synchronise(embeddings, tmp_path / "index", IndexChoice(kind="ivf_sq8", probes=probes))
        assert open_index(tmp_path / "index").record.probes == expected


def test_another_collection_needs_a_rebuild_and_none_is_that_of_the_index(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e", numbers(9))
    choice = IndexChoice(backend="milvus")
    synchronise(embeddings, tmp_path / "index", replace(choice, collection="own"))
    with pytest.raises(UserError, match=r"the collection is own, not other; --rebuild replaces it"):
        synchronise(embeddings, tmp_path / "index", replace(choice, collection="other"))
    assert synchronise(embeddings, tmp_path / "index", choice).record.collection == "own"


def test_a_wrong_address_is_named_without_user_and_password(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e", numbers(9))
    choice = IndexChoice(backend="milvus")
    synchronise(embeddings, tmp_path / "index", choice)
    file = tmp_path / "index" / "index.json"
    file.write_text(json.dumps({**as_once(file), "address": "http://someone:secret@one:19530"}))
    with pytest.raises(UserError, match=r"the address .* is one:19530, not two:19530; --rebuild") as refused:
        synchronise(embeddings, tmp_path / "index", replace(choice, address="http://someone:secret@two:19530"))
    assert "secret" not in str(refused.value)


def test_margins_of_an_approximate_index_are_exact_while_the_embeddings_are_there(tmp_path: Path) -> None:
    packed = numbers(300)
    synchronise(write_embeddings(tmp_path / "e", packed), tmp_path / "index", IndexChoice(kind="ivf_pq", probes=100))
    queries = numbers(5, seed=1)

    def errors() -> list[float]:
        found = open_index(tmp_path / "index").searcher.search(queries, 5)
        exact = margins(queries, packed)
        return [abs(value - exact[row, int(name[4:])]) for row, own in enumerate(found) for name, value in own]

    assert max(errors()) < 1e-4
    (tmp_path / "e").rename(tmp_path / "moved")
    assert max(errors()) > 1e-2


def test_a_float16_catalogue_is_served_exactly_from_half_the_memory(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e", numbers(30), number_type="float16")
    synchronise(embeddings, tmp_path / "index", IndexChoice(kind="flat_fp16"))
    found = open_index(tmp_path / "index").searcher.search(numbers(6, seed=9), 30)
    exact = margins(numbers(6, seed=9), numbers(30).astype(np.float16).astype(np.float32))
    for row, own in enumerate(found):
        np.testing.assert_allclose([value for _, value in own], -np.sort(-exact[row]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("ids", [["item1", "item0", "item2"], ["item0", "item1"]], ids=["reordered", "fewer"])
def test_embeddings_that_were_made_anew_of_other_items_are_refused(ids: list[str], tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(3)), tmp_path / "index", IndexChoice())
    others = write_embeddings(tmp_path / "e", numbers(len(ids)), ids)
    with pytest.raises(UserError, match=r"e: holds embeddings of other items.*run bash run\.sh catalogue index again"):
        open_index(tmp_path / "index")
    synchronise(others, tmp_path / "index", IndexChoice())
    assert sorted(open_index(tmp_path / "index").rows) == sorted(ids)


def test_items_that_were_appended_to_the_embeddings_leave_an_index_as_it_is(tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(30)), tmp_path / "index", IndexChoice())
    write_embeddings(tmp_path / "e", numbers(40))
    assert best_ids(open_index(tmp_path / "index")) == expected_ids(numbers(30), [f"item{row}" for row in range(30)])


def test_an_index_that_does_not_say_which_item_file_it_is_of_is_opened(tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(9)), tmp_path / "index", IndexChoice())
    file = tmp_path / "index" / "index.json"
    content = as_once(file)
    del content["items"]
    file.write_text(json.dumps(content))
    assert len(open_index(tmp_path / "index").backend) == 9


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("index.json", cut, r"index\.json: is damaged"),
        ("index.json", Path.unlink, r"index\.json: is missing: no index; bash run\.sh catalogue index makes one"),
        ("items_00001.jsonl", cut, r"items_00001\.jsonl: is missing or damaged"),
        ("vectors_00001.faiss", cut, r"vectors_00001\.faiss: is missing or damaged"),
        ("vectors_00001.faiss", Path.unlink, r"vectors_00001\.faiss: is missing"),
    ],
)  # fmt: skip
def test_a_damaged_index_is_refused_by_file(
    name: str, damage: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(9)), tmp_path / "index", IndexChoice())
    damage(tmp_path / "index" / name)
    with pytest.raises(UserError, match=message):
        open_index(tmp_path / "index")


def test_a_turned_bit_of_the_vectors_is_found_before_they_are_changed(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e", numbers(9))
    synchronise(embeddings, tmp_path / "index", IndexChoice())
    file = tmp_path / "index" / "vectors_00001.faiss"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"vectors_00001\.faiss: is missing or damaged"):
        synchronise(embeddings, tmp_path / "index", IndexChoice())


def test_an_interrupted_change_leaves_the_index_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(9)), tmp_path / "index", IndexChoice())
    before = best_ids(open_index(tmp_path / "index"))
    monkeypatch.setattr("tools.catalogue.index_sync.write_index_record", lambda folder, record: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        synchronise(write_embeddings(tmp_path / "f", numbers(20)), tmp_path / "index", IndexChoice())
    assert best_ids(open_index(tmp_path / "index")) == before


def test_an_interrupted_change_of_milvus_is_told_and_mended_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = IndexChoice(backend="milvus")
    synchronise(write_embeddings(tmp_path / "e", numbers(9)), tmp_path / "index", choice)
    with monkeypatch.context() as patch:
        patch.setattr("tools.catalogue.index_sync.write_index_record", lambda folder, record: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            synchronise(write_embeddings(tmp_path / "e", numbers(20)), tmp_path / "index", choice)
    with pytest.raises(UserError, match=r"was interrupted; run bash run\.sh catalogue index again"):
        open_index(tmp_path / "index")
    synchronise(write_embeddings(tmp_path / "e", numbers(12)), tmp_path / "index", choice)
    index = open_index(tmp_path / "index")
    assert len(index.backend) == 12
    assert best_ids(index) == expected_ids(numbers(12), [f"item{row}" for row in range(12)])


def test_a_collection_of_another_index_is_not_replaced_unless_asked_for(tmp_path: Path) -> None:
    choice = IndexChoice(backend="milvus", address=str(tmp_path / "shared.db"))
    synchronise(write_embeddings(tmp_path / "e", numbers(9)), tmp_path / "one", choice)
    others = write_embeddings(tmp_path / "f", numbers(5))
    with pytest.raises(UserError, match=r"two: the collection items is there already.*--collection.*--rebuild"):
        synchronise(others, tmp_path / "two", choice)
    with pytest.raises(UserError, match="is missing: no index"):
        open_index(tmp_path / "two")
    synchronise(others, tmp_path / "two", replace(choice, collection="others"))
    assert len(open_index(tmp_path / "one").backend) == 9
    synchronise(others, tmp_path / "three", replace(choice, rebuild=True))
    assert len(open_index(tmp_path / "three").backend) == 5


def test_an_interrupted_change_of_a_collection_goes_on_with_no_other_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = IndexChoice(backend="milvus", address=str(tmp_path / "shared.db"))
    embeddings = write_embeddings(tmp_path / "e", numbers(9))
    synchronise(embeddings, tmp_path / "other", replace(choice, collection="other"))
    with monkeypatch.context() as patch:
        patch.setattr("tools.catalogue.index_sync.write_index_record", lambda folder, record: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            synchronise(embeddings, tmp_path / "index", choice)
    with pytest.raises(UserError, match="the collection other is there already"):
        synchronise(embeddings, tmp_path / "index", replace(choice, collection="other"))
    synchronise(embeddings, tmp_path / "index", choice)
    assert len(open_index(tmp_path / "index").backend) == 9


@pytest.mark.parametrize(
    "change", [{"kind": "tree"}, {"format": 99}, {"lists": "many"}], ids=["unknown kind", "other format", "damaged"]
)
def test_a_rebuild_mends_an_index_whose_record_cannot_be_read(change: dict[str, object], tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e", numbers(30))
    synchronise(embeddings, tmp_path / "index", IndexChoice())
    file = tmp_path / "index" / "index.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(UserError, match="--rebuild"):
        synchronise(embeddings, tmp_path / "index", IndexChoice())
    synchronise(embeddings, tmp_path / "index", IndexChoice(rebuild=True))
    assert best_ids(open_index(tmp_path / "index")) == expected_ids(numbers(30), [f"item{row}" for row in range(30)])
    assert [own.name for own in (tmp_path / "index").glob("items_*")] == ["items_00002.jsonl"]


def test_an_index_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(9)), tmp_path / "index", IndexChoice())
    file = tmp_path / "index" / "index.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "kind": "tree"}))
    with pytest.raises(UserError, match="kind Input should be 'flat', 'flat_fp16'"):
        open_index(tmp_path / "index")


def test_an_index_of_another_format_is_refused(tmp_path: Path) -> None:
    synchronise(write_embeddings(tmp_path / "e", numbers(9)), tmp_path / "index", IndexChoice())
    file = tmp_path / "index" / "index.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    with pytest.raises(UserError, match="format Input should be 1"):
        open_index(tmp_path / "index")
