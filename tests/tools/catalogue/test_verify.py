"""Damage of embeddings and of indexes, which is found before anything is made of it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from options.errors import UserError
from tests.command_line import run_command
from tests.tiny_embeddings import numbers, write_embeddings
from tools.catalogue.embedding_folder import EmbeddedItem, open_embeddings
from tools.catalogue.index_folder import open_index
from tools.catalogue.index_sync import IndexChoice, synchronise

Damage = Callable[[Path], None]


def exchange(one: str, other: str) -> Damage:
    def damage(folder: Path) -> None:
        contents = [(folder / name).read_bytes() for name in (one, other)]
        for name, content in zip((other, one), contents, strict=True):
            (folder / name).write_bytes(content)

    return damage


def turn_bit(folder: Path) -> None:
    file = folder / "shard_00001.npy"
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)


def write_anew(folder: Path, name: int, packed: np.ndarray, ids: list[str]) -> None:
    """Write a shard with right checksums."""
    embeddings = open_embeddings(folder)
    shard = embeddings.shard(name)
    shard.write(packed, [EmbeddedItem(item_id, "") for item_id in ids], embeddings.record.encoding, "")


def put_nan(folder: Path) -> None:
    packed = numbers(21)[7:14].copy()
    packed[2] = np.nan
    write_anew(folder, 1, packed, [f"item{row}" for row in range(7, 14)])


def state_twice(folder: Path) -> None:
    write_anew(folder, 1, numbers(21)[7:14], ["item7", "item3", *(f"item{row}" for row in range(9, 14))])


def change(**values: object) -> Damage:
    def damage(folder: Path) -> None:
        file = folder / "embeddings.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))

    return damage


def turn_sides(folder: Path) -> None:
    file = folder / "shard_00001.npy"
    file.write_bytes(file.read_bytes().replace(b"'fortran_order': False", b"'fortran_order': True "))


DAMAGES: dict[str, tuple[Damage, str]] = {
    "shards exchanged": (exchange("shard_00000.npy", "shard_00001.npy"), "shard_00000.npy: is damaged or another one"),
    "a bit turned": (turn_bit, "shard_00001.npy: is damaged or another one"),
    "sides turned": (turn_sides, "shard_00001.npy: is damaged or another one"),
    "ids exchanged": (exchange("shard_00000.jsonl", "shard_00001.jsonl"), "shard_00000.jsonl: is damaged or another"),
    "a row of nan": (put_nan, "shard_00001.npy: the embedding of 'item9' is not finite"),
    "an id twice": (state_twice, "shard_00001.jsonl: has 'item3', which row 4 is of already"),
    "widths shifted": (change(threshold_width=7, match_width=9), "was not encoded as"),
    "other weights": (change(weights="v"), "was not encoded as"),
    "no items": (change(num_items=0), "num_items is 0, not 1 at least"),
    "minus five items": (change(num_items=-5), "num_items is -5, not 1 at least"),
    "no items a shard": (change(shard_items=0), "shard_items is 0, not 1 at least"),
    "more items": (change(num_items=10**15), "shard"),
    "no width": (change(match_width=0), "match_width is 0, not 1 at least"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The embeddings e of 21 items in three shards, and their index i."""
    synchronise(write_embeddings(tmp_path / "e", numbers(21)), tmp_path / "i", IndexChoice())
    return tmp_path


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("command", ["index", "verify", "again", "mine"])
def test_damaged_embeddings_are_refused_by_every_command_that_reads_them(command: str, name: str, folder: Path) -> None:
    damage, message = DAMAGES[name]
    damage(folder / "e")
    pairs = folder / "pairs.jsonl"
    pairs.write_text('{"src_item_id": "item0", "tgt_item_id": "item1", "item_label": "1"}\n')
    arguments = {
        "index": ["index", folder / "e", folder / "new"],
        "again": ["index", folder / "e", folder / "i"],
        "verify": ["verify", folder / "e"],
        "mine": ["mine", folder / "e", pairs, folder / "mined"],
    }[command]
    ended = run_command("catalogue", *arguments)
    assert ended.status == 2, ended
    assert message in ended.stderr
    assert not (folder / "new" / "index.json").exists()
    assert not (folder / "mined").exists()


@pytest.mark.parametrize("name", [name for name in DAMAGES if name not in ("ids exchanged", "an id twice")])
def test_a_search_shows_no_neighbours_of_damaged_embeddings(name: str, folder: Path) -> None:
    DAMAGES[name][0](folder / "e")
    ended = run_command("catalogue", "search", folder / "i", "item8", "item9", "item13", "-k", "20", "--threshold", "0")
    assert ended.status == 2
    assert ended.stdout == ""


def test_exchanged_ids_of_embeddings_do_not_change_what_an_index_finds(folder: Path) -> None:
    search = ("catalogue", "search", folder / "i", "item8", "-k", "3", "--threshold", "0")
    before = run_command(*search)
    DAMAGES["ids exchanged"][0](folder / "e")
    assert run_command(*search) == before


def test_what_is_whole_is_said_and_all_faults_are_found_at_once(folder: Path) -> None:
    assert "embeddings of 21 items, as they were written" in run_command("catalogue", "verify", folder / "e").stdout
    assert "an index of 21 items, as it was written" in run_command("catalogue", "verify", folder / "i").stdout
    turn_bit(folder / "e")
    (folder / "e" / "shard_00000.jsonl").unlink()
    ended = run_command("catalogue", "verify", folder / "e")
    assert ended.status == 2
    assert "shard_00001.npy: is damaged" in ended.stderr
    assert "shard_00000.jsonl: is missing" in ended.stderr
    assert "catalogue embed" in ended.stderr
    ended = run_command("catalogue", "verify", folder / "i")
    assert ended.status == 2
    ended = run_command("catalogue", "verify", folder)
    assert ended.status == 2
    assert "has neither embeddings.json nor index.json" in ended.stderr


def test_shards_that_the_record_knows_nothing_of_are_told(folder: Path) -> None:
    change(num_items=14)(folder / "e")
    ended = run_command("catalogue", "verify", folder / "e")
    assert ended.status == 2
    assert "shard_00002.json of further items" in ended.stderr


@pytest.mark.parametrize("name", ["vectors_00001.faiss", "items_00001.jsonl"])
def test_verify_finds_a_turned_bit_of_an_index(name: str, folder: Path) -> None:
    file = folder / "i" / name
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    ended = run_command("catalogue", "verify", folder / "i")
    assert ended.status == 2
    assert f"{name}: is missing or damaged" in ended.stderr


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"checksums": {"../e/embeddings.json": "0"}}, "checksums are of"),
        ({"checksums": {"items_00001.jsonl": "0", "a\0b": "1"}}, "checksums are of"),
        ({"embeddings": "a\0b"}, "a path has a NUL"),
        ({"num_removed": -1}, "num_removed is -1"),
        ({"generation": 7}, "checksums are of"),
        ({"threshold_width": 7}, "numbers an item"),
        ({"threshold_width": 7, "match_width": 9}, "threshold_width is 8, and 7"),
        ({"num_rows": 22}, "has other rows than index.json says"),
        ({"probes": -1}, "probes is -1"),
    ],
    ids=str,
)
@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_record_of_an_index_that_cannot_be_so_is_refused(
    values: dict[str, object], message: str, has_checksum: bool, folder: Path
) -> None:
    file = folder / "i" / "index.json"
    content = {**json.loads(file.read_text()), **values}
    if not has_checksum:
        del content["own_checksum"]
    file.write_text(json.dumps(content))
    for command in (("search", folder / "i", "item3", "--threshold", "0"), ("verify", folder / "i")):
        ended = run_command("catalogue", *command)
        assert ended.status == 2
        assert "index.json" in ended.stderr or "threshold_width" in ended.stderr
        assert has_checksum or message in ended.stderr


@pytest.mark.parametrize("new", [b'"', b"9", b"\xff"])
def test_a_record_of_an_index_with_any_byte_changed_is_refused_or_means_the_same(new: bytes, folder: Path) -> None:
    file = folder / "i" / "index.json"
    content = file.read_bytes()
    found = open_index(folder / "i").searcher.search(numbers(2), 3)
    refused = 0
    for place in range(len(content)):
        file.write_bytes(content[:place] + new + content[place + 1 :])
        try:
            assert open_index(folder / "i").searcher.search(numbers(2), 3) == found
        except UserError:
            refused += 1
    assert refused > len(content) // 2


@pytest.mark.parametrize("new", [39, 57])
@pytest.mark.parametrize("name", ["embeddings.json", "shard_00001.json", "shard_00001.npy", "shard_00001.jsonl"])
def test_embeddings_with_any_byte_changed_are_refused_or_mean_the_same(name: str, new: int, folder: Path) -> None:
    file = folder / "e" / name
    content = file.read_bytes()
    for place in range(min(len(content), 300)):
        file.write_bytes(content[:place] + bytes([new]) + content[place + 1 :])
        try:
            embeddings = open_embeddings(folder / "e")
            for shard in embeddings.shards():
                list(shard.items())
        except UserError:
            pass


def test_a_header_that_names_an_archive_is_refused(folder: Path) -> None:
    file = folder / "e" / "shard_00001.npy"
    with file.open("wb") as stream:
        np.savez(stream, numbers(7))
    with pytest.raises(UserError, match=r"shard_00001\.npy: is missing, damaged or cut off"):
        open_embeddings(folder / "e")
