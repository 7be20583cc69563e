import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from data.options import Modalities
from data.pair_batch import ItemBatch
from engine.checksums import check_files
from engine.onnx_encoder import MODEL, read_description
from models.item_encoder import ItemEncoder, build_item_encoder
from options.errors import UserError
from tests.exported_encoder import ExportedRun
from tools.exchange import onnx_export
from tools.exchange.onnx_comparison import BATCH_SIZES
from tools.exchange.onnx_export import export, read_source

pytestmark = pytest.mark.xdist_group("exported_run")  # which takes long to make


@pytest.fixture
def graph_at_hand(exported_run: ExportedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of writing the graph, which takes seconds, the one that was written before."""

    def copy(encoder: ItemEncoder, batch: ItemBatch, reads: Modalities, file: Path) -> None:
        shutil.copy(exported_run.folder / MODEL, file)

    monkeypatch.setattr(onnx_export, "write_graph", copy)


def test_a_folder_has_the_graph_the_tokenizer_and_the_description_and_their_checksums(
    exported_run: ExportedRun,
) -> None:
    names = {file.name for file in exported_run.folder.iterdir()}
    assert {"item_encoder.onnx", "tokenizer.json", "tokenizer_config.json", "preprocessing.json", "SHA256SUMS"} <= names
    check_files(exported_run.folder)
    assert not list(exported_run.folder.parent.glob(".writing*"))


def test_the_graph_gives_the_models_embeddings_in_batches_of_1_to_32(exported_run: ExportedRun) -> None:
    parity = exported_run.found.parity
    assert [batch.num_items for batch in parity] == list(BATCH_SIZES)
    assert {1, 32} <= {batch.num_items for batch in parity}
    assert len({batch.num_tokens for batch in parity}) > 1
    assert all(batch.largest_difference <= 1e-5 * batch.largest_number for batch in parity)


def test_an_existing_folder_is_left_alone(exported_run: ExportedRun, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="exists already; remove it or name another"):
        export(exported_run.source, tmp_path, int8=False, num_pairs=10)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.usefixtures("graph_at_hand")
def test_a_graph_that_gives_other_embeddings_is_not_kept(exported_run: ExportedRun, tmp_path: Path) -> None:
    torch.manual_seed(1)
    other = build_item_encoder(exported_run.options.model, exported_run.options.data.image).eval()
    source = replace(exported_run.source, verifier=replace(exported_run.source.verifier, encoder=other))
    with pytest.raises(UserError, match=r"differs from PyTorch's by more than 0.0001 .* in batches of 1, 2, 3, 5, 8"):
        export(source, tmp_path / "out", int8=False, num_pairs=10)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("graph_at_hand")
def test_int8_is_measured_on_the_validation_pairs(exported_run: ExportedRun, tmp_path: Path) -> None:
    found = export(exported_run.source, tmp_path / "out", int8=True, num_pairs=50)
    assert read_description(tmp_path / "out").arithmetic == "int8"
    check_files(tmp_path / "out")
    torch_effect, exact, int8 = found.effects
    assert [effect.name for effect in found.effects] == ["PyTorch float32", "ONNX float32", "ONNX int8"]
    assert torch_effect.largest_difference == 0.0
    assert exact.largest_difference < 1e-4 < int8.largest_difference
    assert all(effect.evaluation.num_pairs == 50 and effect.items_per_second > 0 for effect in found.effects)
    assert found.mebibytes < exported_run.found.mebibytes


def test_an_exported_folder_is_not_exported_again(exported_run: ExportedRun) -> None:
    with pytest.raises(UserError, match="exported: is exported already; name the checkpoint that it is of"):
        read_source(exported_run.folder, None, labelled=False)
