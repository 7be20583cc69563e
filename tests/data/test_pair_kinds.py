from pathlib import Path

from data.pair_kinds import read_kinds
from tests.tiny_data import write_lines

PAIRS = [{"src_item_id": "a", "tgt_item_id": "b"}, {"src_item_id": "c", "tgt_item_id": "d"}]


def with_kinds(*kinds: object) -> list[dict[str, object]]:
    return [{**pair, "kind": kind} for pair, kind in zip(PAIRS, kinds, strict=True)]


def test_kinds_are_read_from_the_pair_file_itself(tmp_path: Path) -> None:
    assert read_kinds(write_lines(tmp_path / "pairs.jsonl", with_kinds("x", 5)), 2) == ("x", "5")


def test_kinds_are_read_from_the_file_beside_it(tmp_path: Path) -> None:
    write_lines(tmp_path / "pairs_kind.jsonl", with_kinds("x", "y"))
    assert read_kinds(write_lines(tmp_path / "pairs.jsonl", PAIRS), 2) == ("x", "y")


def test_kinds_of_other_pairs_are_left_alone(tmp_path: Path) -> None:
    write_lines(tmp_path / "pairs_kind.jsonl", with_kinds("x", "y")[::-1])
    assert read_kinds(write_lines(tmp_path / "pairs.jsonl", PAIRS), 2) is None


def test_pairs_without_kinds_have_none(tmp_path: Path) -> None:
    assert read_kinds(write_lines(tmp_path / "pairs.jsonl", PAIRS), 2) is None
    assert read_kinds(tmp_path / "absent.jsonl", 2) is None
