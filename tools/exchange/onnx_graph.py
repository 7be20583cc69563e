"""The item encoder as an ONNX graph, in float32 and with weights in eight bits."""

import logging
import warnings
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from data.options import Modalities
from data.pair_batch import ItemBatch
from engine.onnx_encoder import ATTENTION_MASK, ATTRIBUTES, IMAGES, OUTPUT, TOKEN_IDS
from models.embedding import ItemEmbedder, pack
from models.lora import merged
from models.weights import first_line
from options.errors import UserError


class PackedEncoder(nn.Module):
    """The item encoder with tensors in place of batches: those that the model reads, the others None."""

    def __init__(self, encoder: ItemEmbedder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self,
        images: Tensor | None = None,
        token_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        attributes: Tensor | None = None,
    ) -> Tensor:
        """Return the numbers of N items, threshold half first: (N, both widths)."""
        absent = torch.empty(0)
        given = {IMAGES: images, TOKEN_IDS: token_ids, ATTENTION_MASK: attention_mask, ATTRIBUTES: attributes}
        read = {name: absent if tensor is None else tensor for name, tensor in given.items()}
        return pack(self.encoder(ItemBatch(**read, item=absent, blank_image=absent)))


def write_graph(encoder: ItemEmbedder, batch: ItemBatch, reads: Modalities, file: Path) -> None:
    """Write an encoder in evaluation mode as a graph for any number of items and tokens; files of 2 GB get a .data.

    The batch is an example, of at least two items and two tokens, since extents of 1 may be taken for fixed.
    Adapters become part of the weights. Raises UserError for a model that torch cannot write.
    """
    items, tokens = torch.export.Dim("items"), torch.export.Dim("tokens")
    # Inputs that are None would have torch lose the names of the extents.
    given: dict[str, Tensor] = {}
    if reads.image:
        given[IMAGES] = batch.images
    if reads.text:
        given |= {TOKEN_IDS: batch.token_ids, ATTENTION_MASK: batch.attention_mask}
    if reads.attributes:
        given[ATTRIBUTES] = batch.attributes
    extents = {name: {0: items, 1: tokens} if name in (TOKEN_IDS, ATTENTION_MASK) else {0: items} for name in given}
    try:
        # Of the fused kernels torch's exporter takes strides for granted that a dynamic batch does not have.
        with sdpa_kernel(SDPBackend.MATH), warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                PackedEncoder(merged(encoder)),
                kwargs=given,
                input_names=list(given),
                output_names=[OUTPUT],
                dynamic_shapes=extents,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise UserError(f"torch.onnx cannot write this model: {first_line(error.__cause__ or error)}") from error
    assert program is not None
    fixed = [str(port.name) for port in program.model.graph.inputs if port.shape and isinstance(port.shape[0], int)]
    if fixed:
        raise UserError(f"torch.onnx has fixed the number of items of {', '.join(fixed)} to that of the example")
    program.save(file)


def quantize(source: Path, target: Path) -> None:
    """Write a float32 graph with the weights of its matrix products in int8, whose other factors follow in each call.

    Convolutions stay as they are: onnxruntime is slower with eight-bit ones on the CPU.
    """
    logging.getLogger().setLevel(logging.ERROR)  # it advises a preparation that a graph of torch does not need
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        # Seven of the eight bits: sums of eight-bit products overflow on processors without VNNI.
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )
