from pathlib import Path

import pytest
import torch

from engine import onnx_encoder
from tests.command_line import run_command
from tests.exported_encoder import ExportedRun
from tests.published_network import NETWORK
from tools.exchange import onnx_export


@pytest.mark.xdist_group("exported_run")  # which takes long to make
def test_the_parity_and_what_int8_does_are_printed(
    exported_run: ExportedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = (exported_run.folder / "item_encoder.onnx").read_bytes()
    monkeypatch.setattr(onnx_export, "write_graph", lambda encoder, batch, reads, file: file.write_bytes(graph))
    ended = run_command("exchange", "onnx", exported_run.checkpoint, tmp_path / "out", "--int8", "--pairs", 20)
    assert ended.status == 0
    assert "float32 in onnxruntime against PyTorch" in ended.stdout
    assert ended.stdout.count(" yes") == 7
    assert "ONNX int8" in ended.stdout
    assert "of 20" in ended.stdout


def refusal(*arguments: object) -> str:
    ended = run_command("exchange", "onnx", *arguments)
    assert ended.status == 2
    return ended.stderr


def test_a_folder_that_exists_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    assert "exists already" in refusal("nowhere", tmp_path)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    assert "is no checkpoint" in refusal(tmp_path, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_encoder, "find_spec", lambda name: None)
    assert "not installed: onnx, onnxscript, onnxruntime" in refusal("run", tmp_path / "out")


def test_a_number_of_pairs_below_1_is_refused(tmp_path: Path) -> None:
    assert "'--pairs'" in refusal("run", tmp_path / "out", "--int8", "--pairs", 0)


def test_import_and_export_of_published_checkpoints_undo_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run_command("exchange", "import-published", NETWORK, "checkpoint", "--image-library=transformers")
    assert (ended.status, ended.stdout) == (0, "checkpoint: 374 tensors\n")
    ended = run_command("exchange", "export-published", "checkpoint", "back.pth")
    assert (ended.status, ended.stdout) == (0, "back.pth: 392 tensors\n")
    original, back = (torch.load(file, weights_only=True)["params"] for file in (NETWORK, tmp_path / "back.pth"))
    assert original.keys() == back.keys()
    assert all(torch.equal(original[name], back[name]) for name in original)


@pytest.mark.parametrize(("command", "out"), [("import-published", "out"), ("export-published", "out.pth")])
def test_a_missing_file_is_one_message_and_status_2(command: str, out: str, tmp_path: Path) -> None:
    ended = run_command("exchange", command, tmp_path / "no.pth", tmp_path / out)
    assert ended.status == 2
    assert ended.stderr.startswith(f"error: {tmp_path / 'no.pth'}: no such checkpoint file")
