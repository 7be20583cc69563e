"""Towers of dual models against what transformers says of them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, Siglip2ImageProcessor

from data.pair_batch import ItemBatch
from models.transformers_encoders import build_transformers_image_encoder, build_transformers_text_encoder
from options.errors import UserError

SIZE = 32
TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 99}
VISION = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "patch_size": 8,
    "image_size": SIZE,
}  # fmt: skip
POSITIONS = {"max_position_embeddings": 16}
DUAL: dict[str, dict[str, Any]] = {
    "clip": {"text_config": {**TEXT, **POSITIONS, "eos_token_id": 98}, "vision_config": VISION, "projection_dim": 24},
    "chinese_clip": {"text_config": {**TEXT, **POSITIONS}, "vision_config": VISION, "projection_dim": 24},
    "siglip": {"text_config": {**TEXT, **POSITIONS}, "vision_config": VISION},
    "siglip2": {"text_config": {**TEXT, **POSITIONS}, "vision_config": {**VISION, "num_patches": 16}},
}
ROWS = [[1, 7, 8, 9, 98], [1, 5, 98]]
dual_models = pytest.mark.parametrize("model_type", DUAL)


@pytest.fixture
def folder(tmp_path: Path, model_type: str) -> Path:
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(model_type, **DUAL[model_type])).eval()
    model.to(torch.bfloat16).float().to(torch.bfloat16).save_pretrained(tmp_path)
    return tmp_path


def texts(filled: int | None) -> ItemBatch:
    length = filled or max(map(len, ROWS))
    token_ids = torch.tensor([[*row, *[0] * (length - len(row))] for row in ROWS])
    is_token = torch.tensor([[place < len(row) for place in range(length)] for row in ROWS])
    return ItemBatch(torch.empty(2, 3, 0, 0), token_ids, is_token, torch.zeros(2), torch.zeros(2))


@dual_models
@torch.no_grad()
def test_texts_have_the_features_of_the_whole_model_in_float32(folder: Path, model_type: str) -> None:
    whole = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    encoder = build_transformers_text_encoder(str(folder), "pretrained", projection=True).eval()
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    assert not [name for name in encoder.state_dict() if "vision" in name or "visual" in name or "logit" in name]
    if model_type.startswith("siglip"):  # trained on texts that padding fills, without a mask
        expected = whole.get_text_features(texts(16).token_ids).pooler_output
    else:
        batch = texts(None)
        expected = whole.get_text_features(batch.token_ids, batch.attention_mask.long()).pooler_output
    found = encoder(texts(None))
    assert encoder.width == found.shape[1]
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@dual_models
@torch.no_grad()
def test_images_have_the_features_of_the_whole_model_in_float32(folder: Path, model_type: str) -> None:
    whole = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    encoder = build_transformers_image_encoder(str(folder), "pretrained", SIZE, projection=True).eval()
    assert not [name for name in encoder.state_dict() if "text" in name or "logit" in name]
    pixels = torch.randint(0, 256, (2, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    normalised = (pixels / 255 - 0.5) / 0.5
    if model_type == "siglip2":
        processor = Siglip2ImageProcessor(patch_size=8, max_num_patches=16)
        expected = whole.get_image_features(**processor(list(pixels), return_tensors="pt")).pooler_output
    else:
        expected = whole.get_image_features(normalised).pooler_output
    none = torch.empty((2, 0), dtype=torch.int64)
    found = encoder(ItemBatch(normalised, none, none.bool(), torch.zeros(2), torch.zeros(2)))
    assert encoder.width == found.shape[1]
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("model_type", ["clip"])
def test_without_the_projection_a_tower_gives_its_states_at_the_end_of_the_text(folder: Path) -> None:
    encoder = build_transformers_text_encoder(str(folder), "pretrained").eval()
    assert encoder.pooling == "last"
    states = encoder.tower(input_ids=texts(None).token_ids, attention_mask=texts(None).attention_mask.long())
    torch.testing.assert_close(encoder(texts(None)), states.pooler_output)


def test_a_projection_of_a_model_of_one_modality_is_refused() -> None:
    bert = {"model_type": "bert", **TEXT}
    with pytest.raises(UserError, match=r"^model\.text_encoder\.projection: BertModel is no dual model"):
        build_transformers_text_encoder(bert, "random", projection=True)


@torch.no_grad()
@pytest.mark.parametrize("model_type", ["siglip2"])
@pytest.mark.parametrize("size", [16, SIZE, 48])
def test_patches_take_the_positions_of_any_size(folder: Path, size: int) -> None:
    whole = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    encoder = build_transformers_image_encoder(str(folder), "pretrained", size, projection=True).eval()
    pixels = torch.randint(0, 256, (3, 3, size, size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    processor = Siglip2ImageProcessor(patch_size=8, max_num_patches=(size // 8) ** 2)
    expected = whole.get_image_features(**processor(list(pixels), return_tensors="pt")).pooler_output
    none = torch.empty((3, 0), dtype=torch.int64)
    found = encoder(ItemBatch((pixels / 255 - 0.5) / 0.5, none, none.bool(), torch.zeros(3), torch.zeros(3)))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
