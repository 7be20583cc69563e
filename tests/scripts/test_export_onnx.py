from pathlib import Path

import pytest

from engine import onnx_encoder
from tests.export_command import refusal, run
from tests.exported_encoder import ExportedRun
from tools.exchange.onnx import export as export_module

pytestmark = pytest.mark.xdist_group("exported_run")  # which takes long to make


def test_the_parity_and_what_int8_does_are_printed(
    exported_run: ExportedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = (exported_run.folder / "item_encoder.onnx").read_bytes()
    monkeypatch.setattr(export_module, "write_graph", lambda encoder, batch, reads, file: file.write_bytes(graph))
    run(monkeypatch, exported_run.checkpoint, tmp_path / "out", "--int8", "--pairs", 20)
    printed = capsys.readouterr().out
    assert "float32 in onnxruntime against PyTorch" in printed
    assert printed.count(" yes") == 7
    assert "ONNX int8" in printed
    assert "of 20" in printed


def test_a_folder_that_exists_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "exists already" in refusal(monkeypatch, capsys, "nowhere", tmp_path)


def test_what_is_no_checkpoint_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no checkpoint" in refusal(monkeypatch, capsys, tmp_path, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(onnx_encoder, "find_spec", lambda name: None)
    assert "not installed: onnx, onnxscript, onnxruntime" in refusal(monkeypatch, capsys, "run", tmp_path / "out")
