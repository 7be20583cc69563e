import copy

import pytest
import timm
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from data.options import ImageOptions
from data.pair_batch import ItemBatch
from models.encoder import Encoder, Freeze, stage_names
from models.encoder_options import (
    ImageEncoderOptions,
    TextEncoderOptions,
    TimmImageEncoderOptions,
    TransformersTextEncoderOptions,
)
from models.heads import LinearHead
from models.item_encoder import ItemBranch
from models.options import ModelOptions
from options.errors import UserError
from tests.tiny_data import IMAGE_ENCODER, TEXT_ENCODER

RESNET = {
    "name": "timm", "architecture": "resnet10t", "weights": "random",
    "arguments": {"channels": [8, 8, 8, 8], "stem_width": 8, "drop_rate": 0.5},
}  # fmt: skip
BERT = AutoConfig.for_model(**TEXT_ENCODER["architecture"])
DROPPING = {**TEXT_ENCODER, "architecture": {**TEXT_ENCODER["architecture"], "hidden_dropout_prob": 0.5}}


class MeanColour(Encoder):
    """The smallest encoder there can be."""

    def __init__(self) -> None:
        super().__init__()
        self.width = 3

    def forward(self, items: ItemBatch) -> Tensor:
        return items.images.mean(dim=(2, 3))

    def checkpoint_activations(self) -> None:
        pass


def test_any_encoder_can_stand_in_a_branch(items: ItemBatch) -> None:
    encoder = MeanColour()
    branch = ItemBranch(None, encoder, LinearHead(encoder.width, 5))
    assert branch.project(branch.features(items)).shape == (4, 5)
    assert torch.equal(branch.features(items).joined(), items.images.mean(dim=(2, 3)))


def test_an_encoder_has_no_vocabulary_unless_it_says_so() -> None:
    assert MeanColour().num_token_ids is None


def built(options: ImageEncoderOptions | TextEncoderOptions) -> Encoder:
    return options.build() if isinstance(options, TextEncoderOptions) else options.build(ImageOptions())


@pytest.mark.parametrize("name", ["image_encoder", "text_encoder"])
def test_the_encoders_of_the_options_give_as_many_features_as_they_say(name: str, items: ItemBatch) -> None:
    options = ModelOptions.model_validate({"image_encoder": IMAGE_ENCODER, "text_encoder": TEXT_ENCODER})
    encoder: Encoder = built(getattr(options, name))
    assert isinstance(encoder, Encoder)
    assert encoder(items).shape == (len(items.item), encoder.width)
    assert (encoder.num_token_ids is not None) == (name == "text_encoder")


@pytest.mark.parametrize(
    ("text", "image", "expected"),
    [
        ({}, {}, [("text", (32,)), ("image", (32,))]),
        (
            {"pooling": "words"},
            {"levels": (0, 1), "colours": True},
            [("text", (32, 32)), ("image", (32, 32, 64, 64)), ("colours", (138,))],
        ),
    ],
)
def test_encoders_say_of_what_origin_each_of_their_features_is(
    text: dict[str, object], image: dict[str, object], expected: list[tuple[str, tuple[int, ...]]], items: ItemBatch
) -> None:
    options = ModelOptions.model_validate(
        {"text_encoder": {**TEXT_ENCODER, **text}, "image_encoder": {**IMAGE_ENCODER, **image}}
    )
    encoders = [built(encoder) for encoder in (options.text_encoder, options.image_encoder) if encoder is not None]
    assert [group for encoder in encoders for group in encoder.groups] == expected
    for encoder in encoders:
        assert encoder(items).shape[1] == encoder.width == sum(sum(group.widths) for group in encoder.groups)


def image_encoder(freeze: Freeze, **changes: object) -> Encoder:
    torch.manual_seed(0)
    options = TimmImageEncoderOptions.model_validate({**RESNET, **changes, "freeze": freeze})
    return options.build(ImageOptions())


def text_encoder(freeze: Freeze) -> Encoder:
    torch.manual_seed(0)
    return TransformersTextEncoderOptions.model_validate({**DROPPING, "freeze": freeze}).build()


def trained(encoder: nn.Module) -> set[str]:
    return {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize(
    ("backbone", "stages"),
    [
        (timm.create_model("resnet10t"), [f"layer{number}" for number in (1, 2, 3, 4)]),
        (timm.create_model("tf_efficientnet_lite0"), [f"blocks.{number}" for number in range(7)]),
        (timm.create_model("swin_tiny_patch4_window7_224"), [f"layers.{number}" for number in range(4)]),
        (timm.create_model("convnext_atto"), [f"stages.{number}" for number in range(4)]),
        (AutoModel.from_config(BERT), ["encoder.layer.0", "encoder.layer.1"]),
        (nn.Linear(1, 1), []),
    ],
    ids=["resnet", "efficientnet", "swin", "convnext", "bert", "no stages"],
)  # fmt: skip
def test_the_stages_of_a_backbone_are_found(backbone: nn.Module, stages: list[str]) -> None:
    assert stage_names(backbone) == stages


def test_lower_stages_are_frozen_with_the_stem() -> None:
    frozen = {name for name, _ in image_encoder(2).named_parameters()} - trained(image_encoder(2))
    assert frozen
    assert {name.split(".")[1] for name in frozen} == {"conv1", "bn1", "layer1", "layer2"}
    assert {name.split(".")[1] for name in trained(image_encoder(2))} == {"layer3", "layer4"}


def test_lower_layers_are_frozen_with_the_embeddings() -> None:
    names = trained(text_encoder(1))
    assert names
    assert all(name.startswith("backbone.encoder.layer.1.") for name in names)


def test_a_token_of_the_backbone_itself_is_frozen_with_its_first_stage() -> None:
    arguments = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2}
    encoder = image_encoder(1, architecture="vit_tiny_patch16_224", arguments=arguments)
    left = {name.removeprefix("backbone.").rpartition(".")[0] for name in trained(encoder)}
    assert {name.split(".")[0] for name in left} == {"blocks", "norm"}
    assert all(name.startswith(("blocks.1", "norm")) for name in left)


@pytest.mark.parametrize("build", [image_encoder, text_encoder])
def test_nothing_or_all_may_be_frozen(build: type[Encoder]) -> None:
    assert trained(build(0)) == {name for name, _ in build(0).named_parameters()}
    assert trained(build("all")) == set()


def test_training_leaves_frozen_weights_and_statistics_alone_and_moves_the_others(items: ItemBatch) -> None:
    encoder = image_encoder(2).train()
    before = copy.deepcopy(encoder.state_dict())
    optimizer = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], lr=0.1)
    encoder(items).square().sum().backward()
    optimizer.step()
    same = {name.split(".")[1]: True for name in before}
    for name, tensor in encoder.state_dict().items():
        same[name.split(".")[1]] &= torch.equal(tensor, before[name])
    assert same == {"conv1": True, "bn1": True, "layer1": True, "layer2": True, "layer3": False, "layer4": False}


def test_a_frozen_text_encoder_drops_nothing_in_training(items: ItemBatch) -> None:
    frozen, trains = text_encoder("all").train(), text_encoder(0).train()
    assert torch.equal(frozen(items), frozen(items))
    assert not torch.equal(trains(items), trains(items))
    assert not frozen(items).requires_grad


def test_modes_are_kept_through_evaluation_and_copies() -> None:
    encoder = copy.deepcopy(image_encoder(1)).eval().train()
    assert not encoder.backbone.layer1.training
    assert encoder.backbone.layer2.training


@pytest.mark.parametrize("architecture", [RESNET["architecture"], IMAGE_ENCODER["architecture"]])
def test_more_stages_than_there_are_is_a_clear_error(architecture: str) -> None:
    with pytest.raises(UserError, match=r"model\.image_encoder\.freeze: .* has 4 stages: at most so many, or all"):
        image_encoder(5, architecture=architecture, arguments={})
