from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.image_store import ImageFolder
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors, TextTokens
from data.options import ImageOptions
from models.input_check import check_inputs
from models.item_encoder import build_item_encoder
from models.options import ModelOptions
from options.errors import UserError
from tests.tiny_data import IMAGE_ENCODER, IMAGE_SIZE, TEXT_ENCODER

BERT: dict[str, Any] = TEXT_ENCODER["architecture"]


def items(max_tokens: int | None = 32, num_token_ids: int = 128, size: int | None = IMAGE_SIZE) -> ItemTensors:
    text = max_tokens and TextTokens(np.empty(0, np.int32), np.zeros(1, np.int64), 0, max_tokens, num_token_ids)
    return ItemTensors(ItemCatalog([]), text or None, ImageFolder(Path()), ImageOptions(size=size) if size else None)


def check(items: ItemTensors, **changes: object) -> None:
    tree = {"image_encoder": IMAGE_ENCODER, "text_encoder": TEXT_ENCODER, "embedding_width": 4, **changes}
    check_inputs(build_item_encoder(ModelOptions.model_validate(tree), ImageOptions()), items)


def test_the_longest_text_and_the_set_size_pass() -> None:
    check(items())
    check(items(max_tokens=None), text_encoder=None)
    check(items(size=None), image_encoder=None)


def test_a_tokenizer_of_more_tokens_than_the_encoder_is_refused() -> None:
    with pytest.raises(UserError, match=r"knows 128 tokens \(vocab_size\), and the tokenizer .* has 129"):
        check(items(num_token_ids=129))


@pytest.mark.parametrize("model_type", ["bert", "roberta"])
def test_texts_longer_than_the_positions_are_refused(model_type: str) -> None:
    encoder = {**TEXT_ENCODER, "architecture": {**BERT, "model_type": model_type}}
    with pytest.raises(UserError, match=r"cannot read texts of data\.text\.max_tokens=33 .*max_position_embeddings"):
        check(items(max_tokens=33), text_encoder=encoder)


def test_a_text_model_that_is_no_encoder_is_refused() -> None:
    decoder = {
        "model_type": "t5",
        "vocab_size": 128,
        "d_model": 8,
        "d_kv": 4,
        "d_ff": 8,
        "num_layers": 1,
        "num_heads": 2,
    }
    with pytest.raises(UserError, match=r"^model\.text_encoder cannot read texts"):
        check(items(), text_encoder={**TEXT_ENCODER, "architecture": decoder})


def test_images_of_another_size_than_the_encoder_is_made_for_are_refused() -> None:
    with pytest.raises(UserError, match=r"^model\.image_encoder cannot read images of data\.image\.size=48"):
        check(items(size=48))


RESNET = {"name": "timm", "architecture": "resnet10t", "weights": "random"}
MOBILEVIT = {
    "model_type": "mobilevit", "image_size": IMAGE_SIZE, "num_attention_heads": 2, "hidden_sizes": [8, 8, 8],
    "neck_hidden_sizes": [8, 8, 8, 8, 8, 8, 32],
}  # fmt: skip


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ({**RESNET, "arguments": {"global_pool": ""}}, "512 features and gives 512x1x1"),
        ({"name": "transformers", "architecture": MOBILEVIT, "weights": "random"}, "8 features and gives 32"),
    ],
)
def test_features_of_another_width_than_the_model_says_are_refused(encoder: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=rf"^model\.image_encoder: \w+ says that an item has {message}"):
        check(items(), image_encoder=encoder)


@pytest.mark.parametrize("part", ["text", "image"])
def test_the_width_that_an_encoder_says_is_compared_with_what_it_gives(part: str) -> None:
    tree = {"image_encoder": IMAGE_ENCODER, "text_encoder": TEXT_ENCODER, "embedding_width": 4}
    encoder = build_item_encoder(ModelOptions.model_validate(tree), ImageOptions())
    told = getattr(encoder.match, f"{part}_encoder")
    width, told.width = told.width, told.width + 1
    with pytest.raises(UserError, match=rf"^model\.{part}_encoder: .* has {width + 1} features and gives {width}:"):
        check_inputs(encoder, items())


def test_the_check_leaves_randomness_and_mode_as_they_were() -> None:
    encoder = build_item_encoder(
        ModelOptions.model_validate({"text_encoder": TEXT_ENCODER, "embedding_width": 4}), ImageOptions()
    )
    before = torch.get_rng_state()
    check_inputs(encoder, items())
    assert torch.equal(torch.get_rng_state(), before)
    assert all(module.training for module in encoder.modules())
