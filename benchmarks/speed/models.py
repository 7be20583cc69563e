"""The split and the model of a workload, and how many floating point operations it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed.bench import Bench
from data.item_tensors import ItemTensors
from data.loading import Split, load_split
from data.pair_batch import ItemBatch
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from models.item_encoder import ItemEncoder, build_item_encoder
from options.read import read_options

Extent = Sequence[int]
NUM_LENGTHS = 3
"""Of text that determine the operations of all others, as attention is a polynomial of degree 2 in the length."""


def _attention(query: Extent, key: Extent, value: Extent, *_: object, **__: object) -> int:
    return 2 * _scores(query, key) * (query[-1] + value[-1])


def _attention_backward(_: Extent, query: Extent, key: Extent, value: Extent, *__: object, **___: object) -> int:
    """Five products instead of two: the scores again, and the gradients of scores, query, key and value."""
    return 2 * _scores(query, key) * (3 * query[-1] + 2 * value[-1])


def _scores(query: Extent, key: Extent) -> int:
    """Return how many scores there are of (batch, heads, length, width)."""
    return query[0] * query[1] * query[2] * key[2]


ATTENTION_ON_CPU = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}
"""What torch's own counter leaves out."""


def count_operations(work: Callable[[], object]) -> int:
    """Return the floating point operations of the matrix products, convolutions and attention in some work.

    Element by element work, such as normalisation, softmax and activations, is not counted: it is no part of what the
    matrix units could do.
    """
    with FlopCounterMode(display=False, custom_mapping=ATTENTION_ON_CPU) as counter:
        work()
    return int(counter.get_total_flops())


@torch.inference_mode()
def encoding_operations(encoder: ItemEncoder, items: ItemTensors, num_tokens: NDArray[np.int64]) -> float:
    """Return the operations of encoding one item for each of the text lengths, without any padding."""
    encoder.eval()
    image_size = items.image.size if items.image is not None else 0
    longest = max(NUM_LENGTHS, int(num_tokens.max()))
    lengths = np.unique(np.linspace(1, longest, NUM_LENGTHS).round().astype(int))
    counts = [count_operations(partial(encoder, _item(image_size, length))) for length in lengths.tolist()]
    polynomial = np.polynomial.Polynomial.fit(lengths, counts, len(lengths) - 1)
    return float(polynomial(num_tokens.astype(np.float64)).sum())


def _item(image_size: int, length: int) -> ItemBatch:
    return ItemBatch(
        images=torch.zeros(1, 3, image_size, image_size),
        token_ids=torch.zeros((1, length), dtype=torch.int64),
        attention_mask=torch.ones((1, length), dtype=torch.bool),
        item=torch.zeros(1, dtype=torch.int64),
        blank_image=torch.zeros(1, dtype=torch.bool),
    )


ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))


def workload_options(option_file: Path, *overrides: str) -> ExperimentOptions:
    """Read the option file of a workload."""
    return read_options(ExperimentOptions, option_file, overrides)


def workload_split(options: ExperimentOptions) -> Split:
    """Read the labelled pairs of a workload."""
    assert options.data.train is not None
    return load_split(options.data.train, options.data, options.reads, labelled=True)


def workload_model(options: ExperimentOptions) -> ItemEncoder:
    """Build the model with the same weights at every call."""
    torch.manual_seed(options.seed)
    return build_item_encoder(options.model, options.data.image)


def write_weights(option_file: Path) -> None:
    """Write the weights that prediction of a workload reads."""
    options = workload_options(option_file)
    save_file(workload_model(options).state_dict(), Path(options.predict.checkpoint))


def seconds_of_operations(bench: Bench, option_file: Path, rate: float, num_items: int | None = None) -> float:
    """Return in how many seconds the machine could do the operations of encoding the workload's (first) items."""
    return counted_operations(bench, option_file, num_items) / rate


def counted_operations(bench: Bench, option_file: Path, num_items: int | None = None) -> float:
    """Return the operations of encoding the workload's (first) items, without padding."""
    return bench.child(partial(_operations, option_file, num_items), "operations")


def _operations(option_file: Path, num_items: int | None) -> float:
    options = workload_options(option_file)
    split = workload_split(options)
    return encoding_operations(workload_model(options), split.items, split.items.token_lengths()[:num_items])
