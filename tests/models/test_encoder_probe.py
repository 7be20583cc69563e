import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from data.image_store import ImageFolder
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors, TextTokens
from data.options import ImageOptions
from data.pair_batch import ItemBatch
from models.encoder_probe import check_inputs, freeze_unused, probe_encoders
from models.item_encoder import ItemEncoder, build_item_encoder
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


T5 = {"model_type": "t5", "vocab_size": 128, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
LLAMA = {
    "model_type": "llama", "vocab_size": 128, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
}  # fmt: skip
FNET = {
    "model_type": "fnet", "vocab_size": 128, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "max_position_embeddings": 64, "tpu_short_seq_length": 64,
}  # fmt: skip


def built(**model: object) -> ItemEncoder:
    return build_item_encoder(ModelOptions.model_validate({"embedding_width": 4, **model}), ImageOptions(size=32))


def text_encoder(architecture: dict[str, object], pooling: str | None = None) -> dict[str, object]:
    return {"name": "transformers", "architecture": architecture, "weights": "random", "pooling": pooling}


@pytest.mark.parametrize("architecture", [T5, LLAMA, BERT])
def test_encoders_of_all_kinds_pass_the_probe_with_the_pooling_that_they_choose(architecture: dict[str, Any]) -> None:
    encoder = built(text_encoder=text_encoder(architecture))
    check_inputs(encoder, items(size=None))
    probe_encoders(encoder, items(size=None))


@pytest.mark.parametrize(
    ("architecture", "pooling", "message"),
    [
        (LLAMA, "cls", r"pooling cls: gives two different texts that begin and end the same features \(.* 0\.0e\+00\)"),
        (FNET, "mean", r"the padding after a text changes its features by [\d.]+% \(0\.1% at most\)"),
    ],
)
def test_an_encoder_that_is_blind_or_heeds_no_mask_is_refused(
    architecture: dict[str, Any], pooling: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        probe_encoders(built(text_encoder=text_encoder(architecture, pooling)), items(size=None))


def test_an_encoder_that_leaves_out_parts_of_pictures_at_random_is_refused() -> None:
    masked = {
        "model_type": "vit_mae", "image_size": 32, "patch_size": 8, "hidden_size": 16, "intermediate_size": 16,
        "num_hidden_layers": 1, "num_attention_heads": 2,
    }  # fmt: skip
    encoder = built(image_encoder={"name": "transformers", "architecture": masked, "weights": "random"})
    with pytest.raises(UserError, match="gives the same image other features the second time"):
        probe_encoders(encoder, items(max_tokens=None, size=32))


MOBILENET = {"model_type": "mobilenet_v2", "depth_multiplier": 0.25, "finegrained_output": False}


def test_signals_may_vanish_for_want_of_statistics_but_an_encoder_that_sees_nothing_is_refused() -> None:
    encoder = built(image_encoder={"name": "transformers", "architecture": MOBILENET, "weights": "random"})
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    randomness = torch.get_rng_state()
    probe_encoders(encoder, items(max_tokens=None, size=32))
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())
    assert torch.equal(torch.get_rng_state(), randomness)
    assert all(module.training for module in encoder.modules())
    for each in encoder.encoders():
        next(module for module in each.modules() if isinstance(module, nn.Conv2d)).weight.data.zero_()
    with pytest.raises(UserError, match=r"gives two different images the same features \(.* 0\.0e\+00\)"):
        probe_encoders(encoder, items(max_tokens=None, size=32))


def test_an_encoder_that_cannot_be_trained_on_what_it_reads_is_refused() -> None:
    resnet = {"name": "timm", "architecture": "test_resnet", "weights": "random", "arguments": {"drop_path_rate": 2.0}}
    with pytest.raises(UserError, match=r"reads items in evaluation but not in training: .*p=-"):
        probe_encoders(built(image_encoder=resnet), items(max_tokens=None, size=32))


def test_weights_without_influence_are_frozen_and_all_others_get_a_gradient() -> None:
    dinov2 = {
        "model_type": "dinov2", "image_size": 32, "patch_size": 8, "hidden_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }  # fmt: skip
    both = {
        "image_encoder": {"name": "transformers", "architecture": dinov2, "weights": "random"},
        "text_encoder": text_encoder(BERT),
    }
    encoder = built(**both)
    rows = items(size=32)
    assert freeze_unused(encoder, rows) == ["image encoder's embeddings.mask_token"] * 2
    pictures = torch.rand(2, 3, 32, 32)
    token_ids = torch.tensor([[1, 5, 9], [1, 7, 2]])
    batch = ItemBatch(pictures, token_ids, torch.ones(2, 3, dtype=torch.bool), torch.arange(2), torch.zeros(2))
    embedding = encoder(batch)
    (embedding.match.sum() + embedding.threshold.sum()).backward()
    for name, parameter in encoder.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name


def test_images_of_another_size_than_the_encoder_is_made_for_are_refused() -> None:
    with pytest.raises(UserError, match=r"^model\.image_encoder: \w+ cannot read images of data\.image\.size=48"):
        check(items(size=48))


RESNET = {"name": "timm", "architecture": "resnet10t", "weights": "random"}


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ({**RESNET, "arguments": {"global_pool": ""}}, "512 features and gives 512x1x1"),
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


def test_commands_wait_for_the_models_of_transformers_only_where_one_is_built() -> None:
    program = "import sys, engine.verifier; sys.exit('transformers.modeling_utils' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
