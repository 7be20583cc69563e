from collections.abc import Iterator

import numpy as np
import pytest
import torch

from data.pair_batch import TOKENS_A_CALL, ItemBatch, PairBatch, length_runs


def pair_batch() -> PairBatch:
    items = ItemBatch(
        images=torch.zeros(3, 3, 4, 4),
        token_ids=torch.ones(3, 5, dtype=torch.int64),
        attention_mask=torch.ones(3, 5, dtype=torch.bool),
        item=torch.arange(3),
        blank_image=torch.zeros(3, dtype=torch.bool),
    )
    ends = torch.tensor([0, 1])
    return PairBatch(items, ends, ends + 1, torch.tensor([True, False]), torch.arange(3))


def tensors(batch: PairBatch) -> list[torch.Tensor]:
    return [*batch.items, *batch[1:]]


def test_every_tensor_moves_to_the_device() -> None:
    moved = pair_batch().to(torch.device("meta"))
    assert isinstance(moved.items, ItemBatch)
    assert {tensor.device.type for tensor in tensors(moved) if tensor is not moved.items.text_runs} == {"meta"}
    assert [tensor.shape for tensor in tensors(moved)] == [tensor.shape for tensor in tensors(pair_batch())]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="page-locked memory belongs to a GPU")
def test_every_tensor_is_pinned() -> None:
    assert all(tensor.is_pinned() for tensor in tensors(pair_batch().pin_memory()))


def test_runs_stay_where_they_can_be_read_without_waiting() -> None:
    runs = torch.tensor([[3, 5]])
    batch = pair_batch()
    moved = batch.items._replace(text_runs=runs).to(torch.device("meta"))
    assert torch.equal(moved.text_runs, runs)


def test_runs_hold_the_items_in_their_order_without_padding_beyond_their_longest_text() -> None:
    lengths = torch.tensor([2, 3, 5])
    token_ids = torch.arange(15).view(3, 5)
    items = pair_batch().items._replace(
        images=torch.arange(3.0).view(3, 1, 1, 1).expand(3, 3, 4, 4),
        token_ids=token_ids,
        attention_mask=torch.arange(5) < lengths[:, None],
        text_runs=torch.tensor([[2, 3], [3, 5]]),
    )
    short, long = items.runs()
    assert (short.item.tolist(), long.item.tolist()) == ([0, 1], [2])
    assert torch.equal(short.token_ids, token_ids[:2, :3])
    assert short.attention_mask.tolist() == [[True, True, False], [True, True, True]]
    assert torch.equal(long.token_ids, token_ids[2:])
    assert torch.equal(torch.cat([short.images, long.images]), items.images)
    assert (len(list(short.runs())), len(short.text_features)) == (1, 0)


def test_items_without_runs_are_one() -> None:
    items = pair_batch().items
    (alone,) = items.runs()
    assert alone is items


def cuts(num_texts: int) -> Iterator[list[int]]:
    """All ways of cutting texts into runs, by the row after each run."""
    for bits in range(2 ** (num_texts - 1)):
        yield [end for end in range(1, num_texts) if bits >> (end - 1) & 1] + [num_texts]


def cost(lengths: list[int], ends: list[int]) -> int:
    starts = [0, *ends[:-1]]
    return sum((end - start) * max(lengths[start:end]) + TOKENS_A_CALL for start, end in zip(starts, ends, strict=True))


@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_no_other_cut_costs_less(seed: int, is_sorted: bool) -> None:
    random = np.random.default_rng(seed)
    lengths = random.geometric(random.choice([0.02, 0.005]), 9)
    if is_sorted:
        lengths.sort()
    runs = length_runs(lengths)
    found = cost(lengths.tolist(), runs[:, 0].tolist())
    assert found == min(cost(lengths.tolist(), ends) for ends in cuts(9))


def test_a_run_states_its_longest_text() -> None:
    lengths = np.array([900, 3, 4, 5, 800, 790])
    assert length_runs(lengths).tolist() == [[1, 900], [4, 5], [6, 800]]


@pytest.mark.parametrize(("lengths", "expected"), [([], []), ([7], [[1, 7]]), ([9] * 40, [[40, 9]])])
def test_texts_of_one_length_are_one_run(lengths: list[int], expected: list[list[int]]) -> None:
    assert length_runs(np.array(lengths, np.int64)).tolist() == expected
