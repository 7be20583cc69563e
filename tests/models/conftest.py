from collections.abc import Callable

import pytest
import torch

from data.pair_batch import ItemBatch
from models.encoder import Encoder
from tests.tiny_data import IMAGE_SIZE


def make_items(num_items: int, num_tokens: int = 9) -> ItemBatch:
    """Items of random pixels and tokens, the later ones with the shorter texts."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.arange(num_items, 0, -1).add(2).clamp(max=num_tokens)
    mask = torch.arange(num_tokens) < lengths[:, None]
    token_ids = torch.randint(5, 60, (num_items, num_tokens), generator=generator)
    return ItemBatch(
        images=torch.randn(num_items, 3, IMAGE_SIZE, IMAGE_SIZE, generator=generator),
        token_ids=token_ids * mask,
        attention_mask=mask,
        item=torch.arange(num_items),
        blank_image=torch.zeros(num_items, dtype=torch.bool),
    )


@pytest.fixture
def items() -> ItemBatch:
    return make_items(4)


@pytest.fixture
def gradients() -> Callable[[Encoder, ItemBatch], dict[str, torch.Tensor]]:
    """The gradients of a sum over an encoder's features, by parameter; all parameters have one."""

    def compute(encoder: Encoder, items: ItemBatch) -> dict[str, torch.Tensor]:
        encoder.zero_grad()
        features = encoder(items)
        (features * torch.linspace(-1, 1, features.shape[1])).sum().backward()
        return {name: _gradient(parameter) for name, parameter in encoder.named_parameters()}

    return compute


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad.clone()
