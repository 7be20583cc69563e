from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from options.errors import UserError
from tests.tiny_embeddings import HALF, write_embeddings
from tests.tiny_embeddings import numbers as drawn
from tools.catalogue.embedding_folder import (
    EMBEDDINGS,
    EmbeddingFolder,
    EmbeddingsRecord,
    open_embeddings,
    read_embeddings_record,
    write_embeddings_record,
)
from tools.catalogue.embedding_shard import EmbeddedItem, NumberType

RECORD = EmbeddingsRecord(
    format=1, run="tiny", num_items=10, shard_items=4, threshold_width=2, match_width=3, type="float32",
    weights="a" * 64, items="b" * 64, options={"precision": "float32"},
)  # fmt: skip
ITEMS = [EmbeddedItem(f"商品-{row}", "花瓶" if row % 2 else "", row == 5) for row in range(10)]


def numbers() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(10, 5)).astype(np.float32)


def write(folder: Path, number_type: NumberType = "float32") -> EmbeddingsRecord:
    record = replace(RECORD, type=number_type)
    write_embeddings_record(folder, record)
    packed = numbers().astype(number_type)
    for shard in EmbeddingFolder(folder, record).shards():
        rows = slice(shard.rows.start, shard.rows.stop)
        shard.write(packed[rows], ITEMS[rows], record.encoding, "d" * 64)
    return record


@pytest.fixture
def folder(tmp_path: Path) -> EmbeddingFolder:
    write(tmp_path)
    return open_embeddings(tmp_path)


def test_what_was_written_is_read_back(folder: EmbeddingFolder) -> None:
    assert folder.record == RECORD
    assert len(folder) == 10
    assert list(folder.items()) == ITEMS
    assert [shard.rows for shard in folder.shards()] == [range(4), range(4, 8), range(8, 10)]
    assert all(isinstance(shard.packed(), np.memmap) for shard in folder.shards())
    assert np.array_equal(np.concatenate([shard.packed() for shard in folder.shards()]), numbers())


@pytest.mark.parametrize(("num_rows", "lengths"), [(3, [3, 1, 3, 1, 2]), (4, [4, 4, 2]), (100, [4, 4, 2])])
def test_blocks_cover_all_rows_in_order_and_no_block_spans_shards(
    folder: EmbeddingFolder, num_rows: int, lengths: list[int]
) -> None:
    blocks = list(folder.blocks(num_rows))
    assert [len(block) for block in blocks] == lengths
    assert np.array_equal(np.concatenate(blocks), numbers())


def test_float16_is_kept_as_such_and_read_in_blocks_of_float32(tmp_path: Path) -> None:
    write(tmp_path, "float16")
    folder = open_embeddings(tmp_path)
    assert {shard.packed().dtype.name for shard in folder.shards()} == {"float16"}
    blocks = list(folder.blocks(4))
    assert {block.dtype.name for block in blocks} == {"float32"}
    assert np.array_equal(np.concatenate(blocks), numbers().astype(np.float16))


def test_a_folder_of_something_else_is_said_to_be_none(tmp_path: Path) -> None:
    assert read_embeddings_record(tmp_path) is None
    with pytest.raises(UserError, match=r"embeddings\.json: is missing: .*catalogue embed makes one"):
        open_embeddings(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    write_embeddings_record(tmp_path, replace(RECORD, format=2))
    with pytest.raises(UserError, match="format Input should be 1"):
        open_embeddings(tmp_path)


def test_a_catalogue_that_has_grown_is_not_complete_until_its_last_shards_are_made(tmp_path: Path) -> None:
    write(tmp_path)
    for num_items, missing in ((11, 2), (13, 2)):
        write_embeddings_record(tmp_path, replace(RECORD, num_items=num_items))
        with pytest.raises(UserError, match=rf"shard_0000{missing}\.json: the embeddings are not complete"):
            open_embeddings(tmp_path)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def other_shape(file: Path) -> None:
    np.save(file, np.zeros((4, 6), np.float32))


def other_type(file: Path) -> None:
    np.save(file, np.zeros((4, 5), np.float64))


def pickled(file: Path) -> None:
    np.save(file, np.array([{}]), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (EMBEDDINGS, cut, "is damaged"),
        (EMBEDDINGS, empty, "is damaged"),
        ("shard_00001.json", cut, "is damaged"),
        ("shard_00001.json", Path.unlink, "not complete: shard 1 of 3"),
        ("shard_00001.npy", Path.unlink, "not complete: shard 1 of 3"),
        ("shard_00001.jsonl", Path.unlink, "not complete: shard 1 of 3"),
        ("shard_00001.npy", cut, "damaged or cut off"),
        ("shard_00001.npy", empty, "damaged or cut off"),
        ("shard_00001.npy", pickled, "damaged or cut off"),
        ("shard_00001.npy", other_shape, r"holds \(4, 6\) float32, not \(4, 5\) float32"),
        ("shard_00001.npy", other_type, r"holds \(4, 5\) float64, not \(4, 5\) float32"),
    ],
)
def test_a_missing_or_damaged_file_is_named_with_what_to_run(
    tmp_path: Path, name: str, damage: Callable[[Path], None], message: str
) -> None:
    write(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(UserError, match=message) as raised:
        open_embeddings(tmp_path)
    place = name if "not complete" not in message else "shard_00001.json"
    assert str(tmp_path / place) in str(raised.value)
    assert "bash run.sh catalogue embed" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: text.index("\n") + 1], "has 1 items, not 4"),
        (lambda text: text.replace('"category"', '"kind"', 1), r"shard_00000\.jsonl:1: is no line"),
        (lambda text: text[:-3], r"shard_00000\.jsonl:4: is not valid JSON"),
    ],
)
def test_lines_that_are_missing_or_wrong_are_told(
    folder: EmbeddingFolder, change: Callable[[str], str], message: str
) -> None:
    file = folder.path / "shard_00000.jsonl"
    file.write_text(change(file.read_text()))
    with pytest.raises(UserError, match=message):
        list(folder.items())


def test_a_shard_that_is_written_again_has_no_record_until_it_is_whole(
    folder: EmbeddingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = next(folder.shards())

    def refuse(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.disk.os.fsync", refuse)
    with pytest.raises(UserError, match=r"shard_00000\.npy: cannot be written: No space left"):
        shard.write(numbers()[:4], ITEMS[:4], "", "")
    assert shard.record() is None
    assert not shard.is_whole()
    assert not list(folder.path.glob(".*"))


def test_rows_are_taken_from_whichever_shard_has_them(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path, drawn(20), number_type="float16")
    order = [19, 0, 6, 7, 13, 14, 7]
    np.testing.assert_array_equal(embeddings.take(order), drawn(20).astype(np.float16).astype(np.float32)[order])
    assert embeddings.take([]).shape == (0, 2 * HALF)


@pytest.mark.parametrize(("count", "expected"), [(3, [0, 10, 19]), (50, list(range(20)))])
def test_a_sample_is_spread_over_all_rows(count: int, expected: list[int], tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path, drawn(20))
    np.testing.assert_array_equal(embeddings.sample(count), drawn(20)[expected])
