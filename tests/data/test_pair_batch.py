import pytest
import torch

from data.pair_batch import ItemBatch, PairBatch


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
    assert {tensor.device.type for tensor in tensors(moved)} == {"meta"}
    assert [tensor.shape for tensor in tensors(moved)] == [tensor.shape for tensor in tensors(pair_batch())]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="page-locked memory belongs to a GPU")
def test_every_tensor_is_pinned() -> None:
    assert all(tensor.is_pinned() for tensor in tensors(pair_batch().pin_memory()))
