import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch.nn import functional
from transformers import AutoConfig, AutoModelForMaskedLM

from data.pair_batch import ItemBatch
from models.transformers_encoders import (
    TransformersTextEncoder,
    build_transformers_image_encoder,
    build_transformers_text_encoder,
)
from options.errors import UserError
from tests.tiny_data import TEXT_ENCODER

BERT: dict[str, Any] = TEXT_ENCODER["architecture"]
SWIN = {
    "model_type": "swin", "image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2],
    "window_size": 4, "drop_path_rate": 0.0,
}  # fmt: skip
VIT = {
    "model_type": "vit", "image_size": 32, "patch_size": 8, "hidden_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 32,
}  # fmt: skip
RESNET = {"model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 24], "depths": [1, 1]}


@pytest.fixture(scope="module")
def encoder() -> TransformersTextEncoder:
    return build_transformers_text_encoder(BERT, "random")


@pytest.fixture
def saved(encoder: TransformersTextEncoder, tmp_path: Path) -> Path:
    """A folder with config.json and model.safetensors."""
    encoder.backbone.save_pretrained(tmp_path / "saved")  # type: ignore[operator]
    return tmp_path / "saved"


def test_text_features_are_the_last_hidden_state_at_cls(encoder: TransformersTextEncoder, items: ItemBatch) -> None:
    encoder.eval()
    hidden = encoder.backbone(input_ids=items.token_ids, attention_mask=items.attention_mask.long()).last_hidden_state
    assert encoder.width == 32
    torch.testing.assert_close(encoder(items), hidden[:, 0])


def test_words_are_the_mean_of_what_the_first_layer_reads_beside_that_of_the_last_states(items: ItemBatch) -> None:
    encoder = build_transformers_text_encoder(BERT, "random", "words").eval()
    read: list[torch.Tensor] = []
    encoder.backbone.embeddings.register_forward_hook(lambda _, inputs, output: read.append(output))  # type: ignore[union-attr, operator]
    features = encoder(items)
    last = encoder.backbone(input_ids=items.token_ids, attention_mask=items.attention_mask.long()).last_hidden_state
    assert encoder.width == 64
    assert not items.attention_mask.all()
    for found, states in zip(features.split(32, dim=1), (read[0], last), strict=True):
        expected = [row[mask].mean(dim=0) for row, mask in zip(states, items.attention_mask, strict=True)]
        torch.testing.assert_close(found, torch.stack(expected))


def test_padding_does_not_change_the_features(encoder: TransformersTextEncoder, items: ItemBatch) -> None:
    encoder.eval()
    longer = items._replace(
        token_ids=functional.pad(items.token_ids, (0, 12)), attention_mask=functional.pad(items.attention_mask, (0, 12))
    )
    torch.testing.assert_close(encoder(longer), encoder(items), atol=1e-5, rtol=0)


def test_the_pooler_is_gone_and_the_encoder_is_ready_to_train(encoder: TransformersTextEncoder, saved: Path) -> None:
    for each in (encoder, build_transformers_text_encoder(str(saved), "pretrained")):
        assert not [name for name in each.state_dict() if "pooler" in name]
    assert build_transformers_text_encoder(str(saved), "pretrained").training


@pytest.mark.parametrize(
    ("config", "pooling", "width"),
    [(SWIN, "mean", 16), (VIT, "mean", 16), (VIT, "cls", 16), (RESNET, "mean", 24)],
)
def test_image_features_are_the_pooled_last_hidden_states(
    config: dict[str, Any], pooling: Literal["mean", "cls"], width: int, items: ItemBatch
) -> None:
    encoder = build_transformers_image_encoder(config, "random", items.images.shape[2], pooling).eval()
    hidden = encoder.backbone(pixel_values=items.images).last_hidden_state
    places = hidden.flatten(2).transpose(1, 2) if hidden.ndim == 4 else hidden
    expected = places.mean(dim=1) if pooling == "mean" else places[:, 0]
    assert encoder.width == width
    assert encoder(items).shape == (4, width)
    torch.testing.assert_close(encoder(items), expected)
    assert not [name for name in encoder.state_dict() if "pooler" in name]


def same_weights(first: TransformersTextEncoder, second: TransformersTextEncoder) -> bool:
    one, other = first.state_dict(), second.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_weights_come_from_a_folder(encoder: TransformersTextEncoder, saved: Path) -> None:
    assert same_weights(build_transformers_text_encoder(str(saved), "pretrained"), encoder)
    assert same_weights(build_transformers_text_encoder(BERT, str(saved)), encoder)
    assert not same_weights(build_transformers_text_encoder(str(saved), "random"), encoder)


def test_a_pickle_of_tensors_is_read_and_one_that_could_run_code_is_refused(
    encoder: TransformersTextEncoder, saved: Path, tmp_path: Path
) -> None:
    (saved / "model.safetensors").unlink()
    torch.save(encoder.backbone.state_dict(), saved / "pytorch_model.bin")
    assert same_weights(build_transformers_text_encoder(str(saved), "pretrained"), encoder)
    torch.save({"x": RunsCode(tmp_path / "witness")}, saved / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"^model.text_encoder.weights: .* is refused"):
        build_transformers_text_encoder(str(saved), "pretrained")
    assert not (tmp_path / "witness").exists()


class RunsCode:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize(
    ("name", "content"),
    [("model.safetensors", b"junk"), ("model.safetensors", b""), ("model.safetensors", None)],
)
def test_damaged_and_missing_weights_name_the_folder(saved: Path, name: str, content: bytes | None) -> None:
    (saved / name).unlink()
    if content is not None:
        (saved / name).write_bytes(content)
    with pytest.raises(UserError, match=f"^model.text_encoder.weights: {re.escape(str(saved))} is damaged or no file"):
        build_transformers_text_encoder(str(saved), "pretrained")


@pytest.mark.parametrize("content", ["{", "{}", '{"model_type": "nosuch"}', None])
def test_a_folder_without_a_usable_config_is_named(saved: Path, content: str | None) -> None:
    (saved / "config.json").unlink()
    if content is not None:
        (saved / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"^model.text_encoder.architecture: .*has no usable config.json"):
        build_transformers_text_encoder(str(saved), "pretrained")


def test_weights_that_do_not_fit_name_every_tensor(saved: Path) -> None:
    with pytest.raises(UserError, match="does not fit the architecture; 16 tensors differ") as caught:
        build_transformers_text_encoder({**BERT, "num_hidden_layers": 3}, str(saved))
    assert str(caught.value).count("missing encoder.layer.2.") == 16
    with pytest.raises(UserError, match=r"embeddings.word_embeddings.weight is 128x32 and should be 50x32"):
        build_transformers_text_encoder({**BERT, "vocab_size": 50}, str(saved))


def test_weights_of_more_layers_are_refused_by_what_is_surplus(tmp_path: Path) -> None:
    deeper = AutoModelForMaskedLM.from_config(AutoConfig.for_model(**{**BERT, "num_hidden_layers": 3}))
    deeper.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="does not fit the architecture; 16 tensors differ") as caught:
        build_transformers_text_encoder(BERT, str(tmp_path))
    assert str(caught.value).count("surplus encoder.layer.2.") == 16
    whole = build_transformers_text_encoder({**BERT, "num_hidden_layers": 3}, str(tmp_path))
    assert torch.equal(
        whole.backbone.get_parameter("encoder.layer.2.output.dense.bias"),
        deeper.get_parameter("bert.encoder.layer.2.output.dense.bias"),
    )


def test_evaluation_leaves_the_weights_as_they_are() -> None:
    rwkv = {"model_type": "rwkv", "vocab_size": 99, "hidden_size": 16, "num_hidden_layers": 3, "rescale_every": 1}
    encoder = build_transformers_text_encoder(rwkv, "random")
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    encoder.eval()(ItemBatch(torch.empty(1), torch.tensor([[1, 2]]), torch.ones(1, 2), torch.zeros(1), torch.zeros(1)))
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_a_hub_name_without_a_network_is_one_error() -> None:
    with pytest.raises(UserError, match=r"^model.text_encoder: 'hfl/no-such' is no local folder and cannot be fetched"):
        build_transformers_text_encoder("hfl/no-such", "pretrained")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "architecture.model_type: transformers has no None"),
        ({"model_type": "brt"}, "architecture.model_type: transformers has no 'brt'; near ones: .*bert"),
        ({**BERT, "hiden_size": 3}, "bert has no field 'hiden_size'; did you mean 'hidden_size'"),
        ({**BERT, "hidden_size": "x"}, "does not take this configuration"),
        ({**BERT, "num_attention_heads": 3}, "cannot build this configuration: .*32.*heads"),
        (VIT, "ViTModel does not read texts alone"),
        (RESNET, "ResNetModel does not read texts alone"),
    ],
)
def test_a_faulty_inline_config_is_explained(config: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^model.text_encoder.*{message}"):
        build_transformers_text_encoder(config, "random")


def test_fields_of_older_versions_are_passed_over() -> None:
    build_transformers_text_encoder(
        {**BERT, "position_embedding_type": "absolute", "gradient_checkpointing": False}, "random"
    )


def test_an_inline_config_has_no_pretrained_weights() -> None:
    with pytest.raises(UserError, match="pretrained needs an architecture by name or folder"):
        build_transformers_text_encoder(BERT, "pretrained")
    with pytest.raises(UserError, match="there is no folder 'nowhere'"):
        build_transformers_text_encoder(BERT, "nowhere")


def test_activation_checkpointing_gives_equal_gradients(
    items: ItemBatch, gradients: Callable[..., dict[str, torch.Tensor]]
) -> None:
    for encoder in (
        build_transformers_text_encoder(BERT, "random"),
        build_transformers_image_encoder(SWIN, "random", 32),
    ):
        expected = gradients(encoder, items)
        encoder.checkpoint_activations()
        found = gradients(encoder, items)
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, msg=name)
