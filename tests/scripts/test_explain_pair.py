import sys
from pathlib import Path

import pytest
from PIL import Image

from scripts import explain_pair
from tests.trained_run import Trained


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["explain_pair.py", *map(str, arguments)])
    explain_pair.main()


@pytest.mark.parametrize("overrides", [(), ("model.image_encoder=null",)])
def test_a_table_is_printed_and_a_picture_written(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    overrides: tuple[str, ...],
) -> None:  # fmt: skip
    out = tmp_path / "new/pair.png"
    command(monkeypatch, trained(*overrides), "val-0", "val-1", "--out", out, "--rows", 3, "--grid", 2)
    lines = capsys.readouterr().out.splitlines()
    assert " margin " in lines[0]
    assert [line.split()[0] for line in lines[4:7]] == ["1", "2", "3"]
    assert lines[-1] == f"picture: {out}"
    with Image.open(out) as picture:
        assert picture.format == "PNG"
        assert picture.width > 900


def test_an_unknown_item_ends_with_status_2(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        command(monkeypatch, trained(), "val-0", "nobody")
    assert ending.value.code == 2
    assert "no item has the id 'nobody'" in capsys.readouterr().err
