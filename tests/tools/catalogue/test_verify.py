"""Damage of embeddings and of indexes, which is found before anything is made of it."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from options.errors import UserError
from tests.command_line import run_command
from tests.tiny_embeddings import numbers, write_embeddings
from tools.catalogue.embedding_folder import open_embeddings
from tools.catalogue.embedding_shard import EmbeddedItem
from tools.catalogue.index_folder import open_index
from tools.catalogue.index_record import read_index_record
from tools.catalogue.index_sync import IndexChoice, synchronise
from tools.catalogue.verify import checked_rows, verify_folder

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
    "no items": (change(num_items=0), "num_items Input should be greater than or equal to 1"),
    "minus five items": (change(num_items=-5), "num_items Input should be greater than or equal to 1"),
    "no items a shard": (change(shard_items=0), "shard_items Input should be greater than or equal to 1"),
    "more items": (change(num_items=10**15), "shard"),
    "no width": (change(match_width=0), "match_width Input should be greater than or equal to 1"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The embeddings e of 21 items in three shards, and their index i."""
    monkeypatch.setattr("engine.disk._sync", lambda path: None)  # hundreds of folders need not outlive the machine
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
        ({"num_removed": -1}, "num_removed Input should be greater than or equal to 0"),
        ({"generation": 7}, "checksums are of"),
        ({"threshold_width": 7}, "numbers an item"),
        ({"threshold_width": 7, "match_width": 9}, "threshold_width is 8, and 7"),
        ({"num_rows": 22}, "has other rows than index.json says"),
        ({"probes": -1}, "probes Input should be greater than or equal to 0"),
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


def test_an_index_of_milvus_with_any_byte_of_its_record_changed_is_refused_or_means_the_same(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e", numbers(9))
    synchronise(embeddings, tmp_path / "i", IndexChoice(backend="milvus"))
    file = tmp_path / "i" / "index.json"
    content, record = file.read_bytes(), read_index_record(tmp_path / "i")
    assert record is not None
    for place in range(0, len(content), 5):
        file.write_bytes(content[:place] + b"7" + content[place + 1 :])
        with suppress(UserError):
            found = read_index_record(tmp_path / "i")
            assert found is not None
            assert replace(found, own_checksum="") == replace(record, own_checksum="")


@pytest.mark.parametrize(("name", "new"), [("items_00001.jsonl", 57), ("vectors_00001.faiss", 255)])
def test_rows_and_vectors_of_an_index_with_any_byte_changed_are_refused(name: str, new: int, folder: Path) -> None:
    file = folder / "i" / name
    content = file.read_bytes()
    for place in [place for place in range(0, len(content), len(content) // 15) if content[place] != new]:
        file.write_bytes(content[:place] + bytes([new]) + content[place + 1 :])
        with pytest.raises(UserError, match=rf"{name}: is missing or damaged"):
            open_index(folder / "i")
        with pytest.raises(UserError, match=rf"{name}: is missing or damaged"):
            verify_folder(folder / "i")


def test_vectors_of_many_gb_are_read_before_a_search_only_if_they_are_newer_than_their_record(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.catalogue.index_folder.READ_WHOLE", 8)
    file, record = folder / "i" / "vectors_00001.faiss", folder / "i" / "index.json"
    written = record.stat().st_mtime_ns
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(written + 1, written + 1))
    with pytest.raises(UserError, match="is missing or damaged"):
        open_index(folder / "i")
    os.utime(file, ns=(written, written))
    assert len(open_index(folder / "i").rows) == 21
    with pytest.raises(UserError, match="is missing or damaged"):
        verify_folder(folder / "i")


@pytest.mark.parametrize("new", [39, 57])
@pytest.mark.parametrize("name", ["embeddings.json", "shard_00001.json", "shard_00001.npy", "shard_00001.jsonl"])
def test_embeddings_with_any_byte_changed_are_refused_or_mean_the_same(name: str, new: int, folder: Path) -> None:
    file = folder / "e" / name
    content = file.read_bytes()
    rows = list(checked_rows(open_embeddings(folder / "e")))
    refused = 0
    for place in range(0, min(len(content), 300), 8):
        file.write_bytes(content[:place] + bytes([new]) + content[place + 1 :])
        try:
            assert list(checked_rows(open_embeddings(folder / "e"))) == rows
        except UserError:
            refused += 1
    assert refused > 15


HEADERS = [
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (7, -16), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 16), }",
    b"{'descr': '<f4', 'fortran_order': 3, 'shape': (7, 16), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (7, 16), }",
    b"{'descr': [('a', '<f4', 16)], 'fortran_order': False, 'shape': (7,), }",
    b"{'descr': None, 'fortran_order': False, 'shape': None}",
    b"[" * 60,
    b"7 +",
    b"'\\N{",
    b"\x00\xff",
]


def test_a_garbled_header_of_numbers_is_refused(folder: Path) -> None:
    file = folder / "e" / "shard_00001.npy"
    content = file.read_bytes()
    for header in HEADERS:
        file.write_bytes(content[:10] + header.ljust(117)[:117] + b"\n" + content[128:])
        with pytest.raises(UserError, match=r"shard_00001\.npy: (is missing, damaged or cut off|holds)"):
            open_embeddings(folder / "e")
        with pytest.raises(UserError, match=r"shard_00001\.npy"):
            verify_folder(folder / "e")
        with pytest.raises(UserError, match=r"shard_00001\.npy"):
            open_index(folder / "i")


def test_numbers_of_embeddings_that_cannot_be_are_refused(folder: Path) -> None:
    uses = (lambda: open_embeddings(folder / "e"), lambda: verify_folder(folder / "e"))
    content = json.loads((folder / "e" / "embeddings.json").read_text())
    for key in ("num_items", "shard_items", "threshold_width", "match_width"):
        for value in (-1, 0.5, 10**20, 10**400, "x"):
            change(**{**content, key: value})(folder / "e")
            for use in uses:
                with pytest.raises(UserError, match=rf"{key}|shard_\d+"):
                    use()


def test_numbers_of_an_index_that_cannot_be_are_refused(folder: Path) -> None:
    file = folder / "i" / "index.json"
    content = {**json.loads(file.read_text()), "own_checksum": ""}
    for key in ("lists", "probes", "generation", "num_rows", "num_removed", "match_width"):
        for value in (-1, 10**20, 10**400):
            file.write_text(json.dumps({**content, key: value}))
            with pytest.raises(UserError, match=r"index\.json"):
                open_index(folder / "i")


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b", "/dev/null", ""], ids=["long", "NUL", "file", "empty"])
@pytest.mark.parametrize("key", ["embeddings", "address"])
def test_paths_of_an_index_that_lead_nowhere_end_in_a_sentence_or_are_passed_over(
    key: str, path: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)  # where "" leads to
    file = folder / "i" / "index.json"
    content = {**json.loads(file.read_text()), key: path}
    del content["own_checksum"]
    file.write_text(json.dumps(content))
    for use in (lambda: open_index(folder / "i").searcher.search(numbers(2), 3), lambda: verify_folder(folder / "i")):
        with suppress(UserError):
            use()


def test_a_header_that_names_an_archive_is_refused(folder: Path) -> None:
    file = folder / "e" / "shard_00001.npy"
    with file.open("wb") as stream:
        np.savez(stream, numbers(7))
    with pytest.raises(UserError, match=r"shard_00001\.npy: is missing, damaged or cut off"):
        open_embeddings(folder / "e")
