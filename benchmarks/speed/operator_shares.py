"""Where an encoder's time goes, by kinds of operators."""

from __future__ import annotations

import torch
from torch.profiler import ProfilerActivity, profile

from data.pair_batch import ItemBatch
from models.item_encoder import ItemEncoder

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm", "matmul", "linear", "mkldnn_linear"),
    "convolutions": ("convolution", "mkldnn_convolution", "conv2d", "_convolution"),
    "attention": ("scaled_dot_product", "_scaled_dot_product"),
    "layer norm": ("layer_norm", "native_layer_norm"),
    "softmax": ("softmax", "_softmax"),
    "GELU": ("gelu",),
    "copies and rolls": ("copy_", "roll", "clone", "contiguous", "cat", "_to_copy", "to", "pad", "fill_", "index"),
    "additions and products": ("add", "add_", "mul", "mul_", "sub", "div", "mean"),
}
"""Names of torch's operators; attention's are the beginnings of names."""
OTHERS = "others, and calling"


def operator_shares(encoder: ItemEncoder, batch: ItemBatch) -> dict[str, float]:
    """Return the share of time that each kind of operator takes by itself, the largest first."""
    encoder.eval()
    with torch.inference_mode():
        encoder(batch)
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            encoder(batch)
    seconds: dict[str, float] = {}
    for event in profiler.key_averages():
        kind = operator_kind(event.key)
        seconds[kind] = seconds.get(kind, 0.0) + event.self_cpu_time_total
    total = sum(seconds.values())
    return {kind: seconds[kind] / total for kind in sorted(seconds, key=lambda kind: -seconds[kind])}


def operator_kind(name: str) -> str:
    """Return the kind of an operator such as aten::addmm."""
    operator = name.removeprefix("aten::")
    for kind, names in KINDS.items():
        if operator in names or (kind == "attention" and operator.startswith(names)):
            return kind
    return OTHERS
