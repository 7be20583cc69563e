from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from data.options import ImageOptions, Modalities
from data.pair_batch import ItemBatch
from engine.onnx_encoder import MODEL
from models.embedding import ItemEmbedder, ItemEmbedding, pack
from models.item_encoder import build_item_encoder
from models.options import ModelOptions
from options.errors import UserError
from tests.exported_encoder import ExportedRun
from tests.tiny_data import IMAGE_ENCODER, IMAGE_SIZE, TEXT_ENCODER
from tools.exchange.onnx_graph import quantize, write_graph


def random_batch(num_items: int, num_tokens: int) -> ItemBatch:
    attention_mask = torch.ones(num_items, num_tokens, dtype=torch.bool)
    attention_mask[0, (num_tokens + 1) // 2 :] = False
    return ItemBatch(
        images=torch.randn(num_items, 3, IMAGE_SIZE, IMAGE_SIZE),
        token_ids=torch.randint(5, 90, (num_items, num_tokens)),
        attention_mask=attention_mask,
        item=torch.arange(num_items),
        blank_image=torch.zeros(num_items, dtype=torch.bool),
    )


def named_extents(port: onnx.ValueInfoProto) -> dict[int, str]:
    return {place: extent.dim_param for place, extent in enumerate(port.type.tensor_type.shape.dim) if extent.dim_param}


@pytest.mark.parametrize(("part", "threshold_width"), [("text", 0), ("image", 8)])
def test_a_model_of_one_modality_is_written_with_its_inputs_alone(
    part: str, threshold_width: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    architecture = {**TEXT_ENCODER["architecture"], "num_hidden_layers": 1}
    text_encoder = {**TEXT_ENCODER, "architecture": architecture}
    options = ModelOptions.model_validate(
        {
            "text_encoder": text_encoder if part == "text" else None,
            "image_encoder": IMAGE_ENCODER if part == "image" else None,
            "embedding_width": 8,
            "threshold_branch": threshold_width > 0,
            "share_encoders": True,
            "head": {"name": "cosine" if part == "text" else "linear"},
        }
    )
    encoder = build_item_encoder(options, ImageOptions()).eval()
    write_graph(
        encoder, random_batch(2, 4), Modalities(text=part == "text", image=part == "image"), tmp_path / "m.onnx"
    )
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    assert names == (["token_ids", "attention_mask"] if part == "text" else ["images"])
    quantize(tmp_path / "m.onnx", tmp_path / "int8.onnx")
    for file in ("m.onnx", "int8.onnx"):
        graph = onnx.load(tmp_path / file).graph
        extents = {port.name: named_extents(port) for port in (*graph.input, *graph.output)}
        texts = {name: {0: "items", 1: "tokens"} for name in ("token_ids", "attention_mask")}
        assert extents == {**(texts if part == "text" else {"images": {0: "items"}}), "item_embedding": {0: "items"}}
    for num_items, num_tokens in ((1, 1), (1, 9), (7, 3)):
        batch = random_batch(num_items, num_tokens)
        (given,) = session.run(None, {name: getattr(batch, name).numpy() for name in names})
        with torch.no_grad():
            expected = pack(encoder(batch)).numpy()
        assert given.shape == (num_items, threshold_width + 8)
        np.testing.assert_allclose(given, expected, atol=1e-5)


class FixedBatch(ItemEmbedder):
    """Reads the number of items as a plain number, which an exporter cannot follow."""

    threshold_width = 3  # type: ignore[assignment]
    match_width = 3  # type: ignore[assignment]

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        mean = items.images.mean(dim=(2, 3))
        return ItemEmbedding(mean.new_zeros((len(mean), 3)), mean)


def test_a_graph_for_batches_of_one_size_alone_is_refused(tmp_path: Path) -> None:
    reads = Modalities(text=False, image=True)
    with pytest.raises(UserError, match="has fixed the number of items of images"):
        write_graph(FixedBatch(), random_batch(2, 4), reads, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.xdist_group("exported_run")  # which takes long to make
def test_the_weights_of_matrix_products_become_int8(exported_run: ExportedRun, tmp_path: Path) -> None:
    quantize(exported_run.folder / MODEL, tmp_path / MODEL)
    kinds = [node.op_type for node in onnx.load(tmp_path / MODEL).graph.node]
    assert kinds.count("MatMulInteger") >= 10  # of three layers with six products each
    assert (tmp_path / MODEL).stat().st_size < (exported_run.folder / MODEL).stat().st_size
