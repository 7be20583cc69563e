"""Weights of a graph in eight bits."""

import logging
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic


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
