"""How many floating point operations a model needs, counted by its matrix products and convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from data.item_tensors import ItemTensors
from data.pair_batch import ItemBatch
from models.item_encoder import ItemEncoder

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
