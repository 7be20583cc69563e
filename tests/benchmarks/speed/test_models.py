from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmarks.speed.models import (
    count_operations,
    encoding_operations,
    workload_model,
    workload_options,
    workload_split,
)
from benchmarks.speed.settings import TINY
from benchmarks.speed.workload import WorkloadSize, write_workload

BATCH, HEADS, LENGTH, WIDTH = 2, 3, 16, 8
A_PRODUCT = 2 * BATCH * HEADS * LENGTH * LENGTH * WIDTH


def test_a_matrix_product_has_two_operations_for_each_triple() -> None:
    assert count_operations(lambda: torch.randn(3, 5) @ torch.randn(5, 7)) == 2 * 3 * 5 * 7


@pytest.mark.parametrize("masked", [False, True])
def test_attention_on_the_cpu_is_counted_forward_and_backward(masked: bool) -> None:
    query = torch.randn(BATCH, HEADS, LENGTH, WIDTH, requires_grad=True)
    mask = torch.ones(BATCH, 1, 1, LENGTH, dtype=torch.bool) if masked else None

    def attend() -> torch.Tensor:
        return functional.scaled_dot_product_attention(query, query, query, attn_mask=mask)

    with torch.no_grad():
        assert count_operations(attend) == 2 * A_PRODUCT
    # Forward two products, backward five: the scores once more, and four gradients.
    assert count_operations(lambda: attend().sum().backward()) in (7 * A_PRODUCT, 6 * A_PRODUCT)


def test_operations_of_all_texts_are_those_of_each_by_itself(tmp_path: Path) -> None:
    options = workload_options(write_workload(tmp_path / "workload", TINY, WorkloadSize(6, 6), 0))
    split, encoder = workload_split(options), workload_model(options).eval()
    with torch.no_grad():
        each = [count_operations(lambda row=row: encoder(split.items.batch([row]))) for row in range(6)]
    found = encoding_operations(encoder, split.items, split.items.token_lengths())
    assert found == pytest.approx(sum(each), rel=1e-6)
    assert encoding_operations(encoder, split.items, np.array([2])) > 0
