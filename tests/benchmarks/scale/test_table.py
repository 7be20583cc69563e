from pathlib import Path

import pytest

from benchmarks.scale import __main__ as scale_table
from benchmarks.scale.estimate import Layout, estimate
from benchmarks.scale.table import markdown_table
from benchmarks.scale.unit_costs import UnitCosts

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_has_the_table_that_the_script_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["scale_table.py"])
    scale_table.main()
    assert capsys.readouterr().out in (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def test_a_faster_gpu_takes_less_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["scale_table.py", "--gpu-operations", "624e12"])
    scale_table.main()
    assert "| 0.591 | 59.1 | 591 |" in capsys.readouterr().out


def test_every_line_has_a_cell_for_every_size() -> None:
    table = markdown_table([estimate(Layout(10**6, "ivf_fp16", 1), UnitCosts())] * 2)
    assert {line.count("|") for line in table.splitlines()} == {4}
    assert "| memory of each | 2.06 GB | 2.06 GB |" in table
