"""Half precision: what overflows is counted, and the attention masks of the encoders hold."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
from torch import Tensor

from data.pair_batch import ItemBatch
from engine.options import Precision
from engine.precision import OverflowCount, OverflowFigures, autocast, gradient_scaler
from models.encoder import Encoder
from models.timm_image_encoder import build_timm_image_encoder
from models.transformers_encoders import build_transformers_text_encoder

CPU = torch.device("cpu")
TOLERANCES: dict[Precision, float] = {"bfloat16": 0.03, "float16": 0.004}
"""Largest difference from float32 after some layers, as a share of the largest feature."""
LENGTHS = (2, 3, 40, 140)
NUM_TOKENS = 60
SWIN = {"img_size": 64, "window_size": 4, "embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4]}
BERT = {
    "model_type": "bert", "vocab_size": NUM_TOKENS, "hidden_size": 32, "num_hidden_layers": 4,
    "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 140, "initializer_range": 0.3,
}  # fmt: skip


def count(*overflowed: bool) -> OverflowCount:
    counted = OverflowCount(CPU)
    for step in overflowed:
        counted.add(torch.tensor(step))
    return counted


def test_overflow_steps_are_counted_in_all_in_a_row_and_since_the_last_log_line() -> None:
    assert count().read() == OverflowFigures(total=0, in_a_row=0, unlogged=0)
    assert count(True, False, True, True).read() == OverflowFigures(total=3, in_a_row=2, unlogged=3)
    assert count(True, True, False).read() == OverflowFigures(total=2, in_a_row=0, unlogged=2)


def test_a_restored_count_goes_on() -> None:
    counted = OverflowCount(CPU)
    counted.restore(OverflowFigures(total=7, in_a_row=2, unlogged=0))
    counted.add(torch.tensor(True))
    assert counted.read() == OverflowFigures(total=8, in_a_row=3, unlogged=1)


def test_only_float16_scales_gradients() -> None:
    scaled = {precision: gradient_scaler(precision, CPU).is_enabled() for precision in ("float32", *TOLERANCES)}
    assert scaled == {"float32": False, "bfloat16": False, "float16": True}


def images_and_texts() -> ItemBatch:
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return ItemBatch(
        # Opposite corners differ, which shifted windows without their mask would mix.
        images=torch.randn(len(LENGTHS), 3, 64, 64, generator=generator) + torch.linspace(-2, 2, 64),
        token_ids=torch.randint(5, NUM_TOKENS, mask.shape, generator=generator) * mask,
        attention_mask=mask,
        item=torch.arange(len(LENGTHS)),
        blank_image=torch.zeros(len(LENGTHS), dtype=torch.bool),
    )


def swin() -> Encoder:
    torch.manual_seed(0)
    encoder = build_timm_image_encoder("swin_tiny_patch4_window7_224", SWIN, "random").eval()
    for parameter in encoder.parameters():
        if parameter.ndim > 1:  # attention that looks somewhere, unlike that of timm's first weights
            torch.nn.init.normal_(parameter, std=0.3)
    return encoder


def bert() -> Encoder:
    torch.manual_seed(0)
    return build_transformers_text_encoder(BERT, "random").eval()


@torch.no_grad()
def features(encoder: Encoder, items: ItemBatch, context: AbstractContextManager[object]) -> Tensor:
    with context:
        return encoder(items).float()


def difference(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("build", [swin, bert])
def test_features_in_half_precision_are_finite_and_close_to_float32(
    build: Callable[[], Encoder], precision: Precision
) -> None:
    encoder, items = build(), images_and_texts()
    expected = features(encoder, items, autocast("float32", CPU))
    found = features(encoder, items, autocast(precision, CPU))
    assert torch.isfinite(found).all()
    assert 0 < difference(found, expected) < TOLERANCES[precision]


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("build", [swin, bert])
def test_gradients_in_half_precision_are_finite(build: Callable[[], Encoder], precision: Precision) -> None:
    encoder = build()
    with autocast(precision, CPU):
        loss = encoder(images_and_texts()).float().square().mean()
    loss.backward()
    gradients = [parameter.grad for parameter in encoder.parameters() if parameter.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("precision", TOLERANCES)
def test_padding_moves_no_text_in_half_precision(precision: Precision) -> None:
    encoder, items = bert(), images_and_texts()
    together = features(encoder, items, autocast(precision, CPU))
    for row, length in enumerate(LENGTHS):
        alone = ItemBatch(
            items.images[row : row + 1],
            items.token_ids[row : row + 1, :length],
            items.attention_mask[row : row + 1, :length],
            items.item[row : row + 1],
            items.blank_image[row : row + 1],
        )
        found = features(encoder, alone, autocast(precision, CPU))
        assert difference(together[row : row + 1], found) < TOLERANCES[precision]


def test_without_their_masks_both_encoders_would_differ_by_more_than_the_tolerances() -> None:
    items = images_and_texts()
    unmasked = items._replace(attention_mask=torch.ones_like(items.attention_mask))
    text = bert()
    plain = autocast("float32", CPU)
    assert difference(features(text, unmasked, plain), features(text, items, plain)) > max(TOLERANCES.values())
    image = swin()
    masked = features(image, items, plain)
    masks = [module.attn_mask for module in image.modules() if getattr(module, "attn_mask", None) is not None]
    assert masks
    for mask in masks:
        assert mask.min() == -100
        mask.zero_()
    assert difference(features(image, items, plain), masked) > max(TOLERANCES.values())
