import pytest
import torch
from torch import nn

from data.pair_batch import ItemBatch, PairBatch
from models.embedding import ItemEmbedding
from models.pair_verifier import PairVerifier


class CountingEncoder(nn.Module):
    """Embeddings of known numbers; counts the items it is asked for."""

    num_items = 0

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        self.num_items += len(items.item)
        numbers = items.item.float()
        return ItemEmbedding(threshold=numbers[:, None], match=torch.stack([numbers, numbers + 1], dim=1))


def test_pairs_are_scored_from_the_embeddings_of_their_items_each_encoded_once(items: ItemBatch) -> None:
    encoder = CountingEncoder()
    source, target = torch.tensor([3, 0, 1, 3, 2]), torch.tensor([1, 1, 1, 2, 3])
    batch = PairBatch(items, source, target, torch.ones(5, dtype=torch.bool), torch.arange(4))
    verified = PairVerifier(encoder)(batch)  # type: ignore[arg-type]
    assert encoder.num_items == 4
    for place, (a, b) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        assert verified.score.match[place].item() == pytest.approx(a * b + (a + 1) * (b + 1))
        assert verified.score.threshold[place].item() == pytest.approx(a * b)
    assert verified.items.match.shape == (4, 2)
