from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from benchmarks.speed.record import (
    BenchmarkRecord,
    BenchmarkRow,
    Check,
    Limit,
    MachineLimit,
    Timing,
    read_record,
    write_record,
)
from benchmarks.speed.report import format_table, markdown, number

ROW = BenchmarkRow(
    "prediction",
    "16 pairs of 17 items",
    "pairs",
    16,
    Timing((2.0, 1.0, 4.0), 3 << 20),
    "pair by pair",
    Timing((5.0, 6.0, 7.0), 5 << 20),
    Limit("matrix products", 0.5),
    (Check("decisions changed", 0.0, 0.0),),
    ("the start takes 1 s",),
)
RECORD = BenchmarkRecord(
    "2030-01-02",
    "python -m benchmarks.speed",
    {"processor": "A | B"},
    {"scale": "0.01"},
    (MachineLimit("matrix products", "torch.mm", 5e10, "operations/s"),),
    (ROW, BenchmarkRow("start-up", "--help", "commands", 1, Timing((0.3,), 0))),
)


def test_figures_come_from_the_medians() -> None:
    assert (ROW.rate, ROW.ratio, ROW.fraction) == (8.0, 3.0, 0.25)
    alone = RECORD.rows[1]
    assert (alone.ratio, alone.fraction) == (None, None)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "new" / "record.json"
    write_record(file, RECORD)
    assert read_record(file) == RECORD


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"rows": 3}')
    with pytest.raises(ValidationError):
        read_record(tmp_path / "x.json")


def test_the_report_states_machine_command_comparison_and_limit() -> None:
    text = markdown(RECORD)
    assert "| processor | A \\| B |" in text
    assert "| command | `python -m benchmarks.speed` |" in text
    assert "| prediction | 2 (1 to 4) | 8 pairs | 6 (5 to 7) | 3.00 x | 25.0% | 3 | 5 |" in text
    assert "| start-up | 0.3 (0.3 to 0.3) | 3.33 commands | - | - | - | - | - |" in text
    assert "- plain: pair by pair\n- limit: matrix products, 0.5 s\n" in text
    assert "decisions changed: 0 (at most 0): passed" in text
    assert "| matrix products | 50 x 10⁹ | operations/s | torch.mm |" in text


def test_every_line_of_a_table_has_as_many_cells() -> None:
    lines = [line.replace("\\|", "") for line in markdown(RECORD).splitlines() if line.startswith("| prediction")]
    heading = next(line for line in markdown(RECORD).splitlines() if line.startswith("| row"))
    assert {line.count("|") for line in lines} == {heading.count("|")}


def test_a_check_that_does_not_pass_fails_the_record() -> None:
    broken = replace(ROW, checks=(Check("decisions changed", 1.0, 0.0), Check("margins", float("nan"), 1.0)))
    assert not RECORD.has_failed
    assert replace(RECORD, rows=(broken,)).has_failed
    assert format_table([broken]).count("FAILED") == 2


def test_numbers_have_about_three_digits() -> None:
    assert [number(value) for value in (0.012345, 1.2345, 12.345, 123.45, 1234567.0)] == [
        "0.0123",
        "1.23",
        "12.3",
        "123",
        "1,234,567",
    ]
