import pytest
import torch
from torch import Tensor

from data.options import ImageOptions
from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.encoder_options import ImageEncoderOptions, TextEncoderOptions
from models.heads import LinearHead
from models.item_encoder import ItemBranch
from models.options import ModelOptions
from tests.tiny_data import IMAGE_ENCODER, TEXT_ENCODER


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
