from pathlib import Path

import pytest

from tests.tools.preparation.audit.clean_data import CleanData, make_clean_data, noise_picture, pair
from tools.preparation.audit.tables import LONGEST_EXAMPLE, finding_table, summary_table, verdict


@pytest.fixture
def clean(tmp_path: Path) -> CleanData:
    return make_clean_data(tmp_path)


def cells(table: str) -> dict[str, list[str]]:
    """Return the last three words of each line by what stands before them."""
    return {line.rsplit(None, 3)[0].strip(): line.rsplit(None, 3)[1:] for line in table.splitlines()[1:]}


def test_the_summary_counts_what_is_there(clean: CleanData) -> None:
    noise_picture(0, 30, 30).convert("L").save(clean.image("a"), "JPEG")
    for split in ("train", "val"):
        clean.pairs[split].append(pair(*(str(clean.items[split][place]["item_id"]) for place in (3, 4)), "0"))
    for line in clean.pairs["test"]:
        del line["item_label"]
    audit, _ = clean.audit()
    table = summary_table(audit, 24)
    num_bytes = [sum(clean.image(record["item_id"]).stat().st_size for record in clean.items[s]) for s in clean.items]
    expected = {
        "items in the file": ["8", "8", "8"],
        "pairs": ["9", "9", "8"],
        "labelled": ["9", "9", "0"],
        "texts longer than 24": ["0.0%"] * 3,
        "readable": ["8", "8", "8"],
        "megabytes": [f"{number / 1e6:.1f}" for number in num_bytes],
        "PNG RGB": ["7", "8", "8"],
    }
    assert table.splitlines()[0].split() == ["train", "val", "test"]
    assert {name: cells(table).get(name) for name in expected} == expected
    (positive,) = (line.split() for line in table.splitlines() if "positive" in line)
    assert positive == ["positive", "44.4%", "44.4%"]
    (grey,) = (line.split() for line in table.splitlines() if "JPEG L" in line)
    assert grey == ["JPEG", "L", "1"]


def test_without_findings_there_are_none_of_any_severity(clean: CleanData) -> None:
    assert verdict(clean.audit()[1]) == "0 faults, 0 warnings, 0 notes"


def test_the_gravest_findings_come_first_with_an_example_that_is_short_and_printable(clean: CleanData) -> None:
    clean.item("c")["title"] = "<b>\x1b[2J\u202e" + 140 * "c"
    clean.item("q")["title"] = ""
    clean.image("a").unlink()
    _, log = clean.audit()
    table = finding_table(log, ["train", "val", "test"])
    assert [line.split()[:3] for line in table.splitlines()] == [
        ["finding", "severity", "train"],
        ["image-missing", "fault", "1"],
        ["item-no-title", "warning", "1"],
        ["title-control-signs", "note", "1"],
        ["title-bidi-marks", "note", "1"],
        ["title-html", "note", "1"],
    ]
    assert all(line.isprintable() for line in table.splitlines())
    assert max(map(len, table.splitlines())) < 60 + 6 * LONGEST_EXAMPLE
    assert "item_train_info.jsonl:1: image 'a.png' of item 'a': does not exist" in table
    assert verdict(log) == "1 fault, 1 warning, 3 notes"
