import json
from pathlib import Path

import numpy as np
import pytest

from data.jsonl import DataError
from options.errors import UserError
from scripts import mine_negatives
from tests.tiny_data import write_lines
from tests.tiny_embeddings import margins, numbers, write_embeddings
from tools.catalogue.mining import MiningSettings, mine

PLAIN = MiningSettings(per_item=2, ceiling=None, same_category=False, ungrouped=False, keep_pairs=False)
NUM_ITEMS = 24


def line(source: int, target: int, label: str | None) -> dict[str, str]:
    ids = {"src_item_id": f"item{source}", "tgt_item_id": f"item{target}"}
    return ids if label is None else {**ids, "item_label": label}


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Items 2 n and 2 n + 1 of the first 20 are one product."""
    lines = [line(first, first + 1, "1") for first in range(0, 20, 2)] + [line(0, 2, "0"), line(21, 3, "0")]
    return write_lines(tmp_path / "pairs.jsonl", lines)


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    categories = [("花瓶", "茶杯", "")[row % 3] for row in range(NUM_ITEMS)]
    return write_embeddings(tmp_path / "embeddings", numbers(NUM_ITEMS), categories=categories).path


def written(file: Path) -> list[tuple[int, int, str]]:
    records = [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()]
    return [(int(r["src_item_id"][4:]), int(r["tgt_item_id"][4:]), r["item_label"]) for r in records]


def test_the_file_holds_known_different_pairs_below_the_median_of_the_same(
    embeddings: Path, pairs: Path, tmp_path: Path
) -> None:
    mined = mine(embeddings, pairs, tmp_path / "out.jsonl", PLAIN)
    exact = margins(numbers(NUM_ITEMS), numbers(NUM_ITEMS))
    assert mined.ceiling == pytest.approx(np.median([exact[n, n + 1] for n in range(0, 20, 2)]), rel=1e-5)
    lines = written(tmp_path / "out.jsonl")
    assert len(lines) == mined.num_lines > 5
    assert {label for _, _, label in lines} == {"0"}
    for source, target, _ in lines:
        assert source // 2 != target // 2
        assert max(source, target) < 20
        assert {source, target} != {0, 2}
        assert exact[source, target] < mined.ceiling
    assert max(np.bincount([item for pair in lines for item in pair[:2]])) <= 2


def test_the_labelled_pairs_come_first_where_they_are_kept(embeddings: Path, pairs: Path, tmp_path: Path) -> None:
    settings = MiningSettings(2, 5.0, same_category=True, ungrouped=True, keep_pairs=True)
    mine(embeddings, pairs, tmp_path / "out.jsonl", settings)
    before, after = written(pairs), written(tmp_path / "out.jsonl")
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert all(source % 3 == target % 3 != 2 for source, target, _ in after[len(before) :])


def test_the_command_writes_the_same_bytes_again(
    embeddings: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        monkeypatch.setattr("sys.argv", ["mine_negatives.py", str(embeddings), str(pairs), str(tmp_path / name)])
        mine_negatives.main()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert "near misses" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        mine_negatives.main()
    assert ended.value.code == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line(0, 1, None)], r"pairs\.jsonl:1: has no 'item_label'"),
        ([line(0, 1, "1"), line(0, 99, "1")], r"pairs\.jsonl:2: item 'item99' is not among the embeddings"),
        ([], "has no pairs"),
    ],
)
def test_pairs_that_tell_nothing_are_refused(
    embeddings: Path, tmp_path: Path, lines: list[dict[str, str]], message: str
) -> None:
    pairs = write_lines(tmp_path / "pairs.jsonl", lines)
    with pytest.raises(DataError, match=message):
        mine(embeddings, pairs, tmp_path / "out.jsonl", PLAIN)


def test_without_same_pairs_a_ceiling_has_to_be_given(embeddings: Path, tmp_path: Path) -> None:
    pairs = write_lines(tmp_path / "pairs.jsonl", [line(0, 1, "0")])
    with pytest.raises(UserError, match="no pair is the same product"):
        mine(embeddings, pairs, tmp_path / "out.jsonl", PLAIN)


def test_guards_that_leave_nothing_say_so(embeddings: Path, pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no pair of items passed the guards below the ceiling -1000\.0000"):
        mine(embeddings, pairs, tmp_path / "out.jsonl", MiningSettings(2, -1000.0, False, False, False))
    assert not (tmp_path / "out.jsonl").exists()


def test_a_ceiling_that_is_no_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mine_negatives.py", "embeddings", "pairs", "out", "--ceiling", "nan"])
    with pytest.raises(SystemExit):
        mine_negatives.main()
    assert "--ceiling: 'nan' is no finite number" in capsys.readouterr().err
