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
