from pathlib import Path

import pytest

from scripts import describe_options


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["describe_options", *arguments])
    describe_options.main()


def test_committed_reference_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--check")


def test_stale_reference_fails_the_check_and_is_written_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "REFERENCE.md"
    monkeypatch.setattr(describe_options, "REFERENCE", page)
    for stale in (None, "stale"):
        if stale is not None:
            page.write_text(stale, encoding="utf-8")
        with pytest.raises(SystemExit, match="is stale; run"):
            run(monkeypatch, "--check")
    assert page.read_text(encoding="utf-8") == "stale"
    run(monkeypatch)
    run(monkeypatch, "--check")
    assert [file.name for file in tmp_path.iterdir()] == ["REFERENCE.md"]
