"""scripts/export_onnx.py as a user calls it, in this process."""

import pytest

from scripts import export_onnx


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Export with these arguments."""
    monkeypatch.setattr("sys.argv", ["export_onnx.py", *map(str, arguments)])
    export_onnx.main()


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return what it says in refusing these arguments."""
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err
