"""Whether an exported encoder gives items the embeddings of the one in PyTorch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from data.item_tensors import ItemTensors
from engine.onnx_encoder import OnnxItemEncoder
from models.embedding import pack
from models.item_encoder import ItemEncoder
from options.errors import UserError
from options.table import aligned_rows

BATCH_SIZES = (1, 2, 3, 5, 8, 16, 32)
TOLERANCE = 1e-4
"""Of the largest difference, relative to the largest number of the batch's embeddings."""


@dataclass(frozen=True, slots=True)
class BatchParity:
    """How far the two encoders are apart on a batch."""

    num_items: int
    num_tokens: int
    """Of the longest text; 0 without text."""
    largest_number: float
    """Absolute value in PyTorch's embeddings."""
    largest_difference: float
    """Absolute; not a number where either encoder's embeddings are not."""

    @property
    def is_equal(self) -> bool:
        """Whether the difference is one of rounding."""
        return self.largest_difference <= TOLERANCE * self.largest_number


@torch.inference_mode()
def measure_parity(
    encoder: ItemEncoder, exported: OnnxItemEncoder, items: ItemTensors, batch_sizes: Iterable[int] = BATCH_SIZES
) -> list[BatchParity]:
    """Encode batches of consecutive items with both, the first items again where there are too few."""
    found = []
    first = 0
    for size in tqdm(list(batch_sizes), desc="compare", unit="batch", leave=False, disable=None):
        batch = items.batch([row % len(items.catalog) for row in range(first, first + size)])
        expected, given = pack(encoder(batch)), pack(exported(batch))
        difference = (given - expected).abs().max()
        found.append(BatchParity(size, batch.token_ids.shape[1], float(expected.abs().max()), float(difference)))
        first += size
    return found


def parity_table(batches: Sequence[BatchParity]) -> str:
    """Return an aligned table, a batch a line."""
    rows = [("items", "tokens", "largest number", "largest difference", "equal")]
    rows += [
        (
            str(batch.num_items),
            str(batch.num_tokens),
            f"{batch.largest_number:.4f}",
            f"{batch.largest_difference:.2e}",
            "yes" if batch.is_equal else "no",
        )
        for batch in batches
    ]
    return aligned_rows(rows, left=(), ruled=True)


def refuse_difference(batches: Sequence[BatchParity]) -> None:
    """Raise UserError where a batch is not equal."""
    sizes = [str(batch.num_items) for batch in batches if not batch.is_equal]
    if sizes:
        raise UserError(
            f"the exported encoder differs from PyTorch's by more than {TOLERANCE:g} of the largest number in batches "
            f"of {', '.join(sizes)} items: nothing was kept. Another version of torch or onnxruntime may do better "
            "(requirements-onnx.txt names those that were tried)"
        )
