from pathlib import Path

import pytest

from scripts import options
from tests.command_line import run_command


def test_committed_reference_is_up_to_date() -> None:
    assert run_command("options", "reference", "--check").status == 0


def test_stale_reference_fails_the_check_and_is_written_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "REFERENCE.md"
    monkeypatch.setattr(options, "REFERENCE", page)
    for stale in (None, "stale"):
        if stale is not None:
            page.write_text(stale, encoding="utf-8")
        ended = run_command("options", "reference", "--check")
        assert ended.status == 1
        assert "is stale; run" in ended.stdout
    assert page.read_text(encoding="utf-8") == "stale"
    assert run_command("options", "reference").status == 0
    assert run_command("options", "reference", "--check").status == 0
    assert [file.name for file in tmp_path.iterdir()] == ["REFERENCE.md"]
