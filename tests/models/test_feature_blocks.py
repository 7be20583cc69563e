from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from data.item_tensors import KnownFeatures
from models import feature_blocks
from models.feature_blocks import BOUND, FeatureBlocks
from models.item_encoder import ItemEncoder

TEXT = SimpleNamespace(is_frozen=True, groups=[SimpleNamespace(name="text", widths=(4,))])
IMAGE = SimpleNamespace(
    is_frozen=True, groups=[SimpleNamespace(name="image", widths=(3, 2)), SimpleNamespace(name="colours", widths=(2,))]
)


def encoder(text: object, image: object) -> ItemEncoder:
    stand_in = SimpleNamespace(match=SimpleNamespace(text_encoder=text, image_encoder=image))
    return cast(ItemEncoder, stand_in)


def known(count: int, seed: int) -> KnownFeatures:
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(count, 7, generator=generator) * 3 + 1
    image[:, 6] = 0.5  # never varies
    blank = torch.zeros(count, dtype=torch.bool)
    blank[2] = True
    return KnownFeatures(torch.randn(count, 4, generator=generator), image, blank)


TRAINING, OTHERS = known(30, 0), known(6, 1)
SOURCE, TARGET = np.divmod(np.arange(36), 6)


def slow_cosines(first: int, last: int) -> np.ndarray:
    assert TRAINING.text is not None
    assert TRAINING.image is not None
    assert OTHERS.text is not None
    assert OTHERS.image is not None
    training = np.hstack([TRAINING.text.numpy(), TRAINING.image.numpy()])[:, first:last]
    features = np.hstack([OTHERS.text.numpy(), OTHERS.image.numpy()])[:, first:last]
    deviation = training.std(axis=0)
    standard = (features - training.mean(axis=0)) / np.where(deviation > 1e-6, deviation, 1.0)
    standard = np.clip(standard, -BOUND, BOUND)
    lengths = np.linalg.norm(standard, axis=1)
    return np.array(
        [standard[a] @ standard[b] / (lengths[a] * lengths[b]) for a, b in zip(SOURCE, TARGET, strict=True)]
    )


def test_cosines_are_those_of_standardised_and_bounded_blocks() -> None:
    blocks = FeatureBlocks.of(encoder(TEXT, IMAGE), TRAINING)
    assert blocks.names == ("text 1", "image 1", "image 2", "colours 1")
    assert blocks.widths == (4, 3, 2, 2)
    seen = replace(OTHERS, blank_image=torch.zeros(6, dtype=torch.bool))
    found = blocks.cosines(seen, SOURCE, TARGET)
    for name, (first, last) in zip(blocks.names, ((0, 4), (4, 7), (7, 9), (9, 11)), strict=True):
        assert found[f"{name}: cosine"] == pytest.approx(slow_cosines(first, last), abs=1e-5)


def test_features_far_from_the_training_items_are_bounded() -> None:
    blocks = FeatureBlocks.of(encoder(TEXT, None), replace(TRAINING, image=None))
    text = torch.zeros(2, 4)
    text[:, 0], text[0, 1], text[1, 1] = 1e6, 1e6, -1e6
    far = KnownFeatures(text, None, torch.zeros(2, dtype=torch.bool))
    found = blocks.cosines(far, np.array([0]), np.array([1]))["text 1: cosine"]
    assert found == pytest.approx([0.0], abs=0.1)


def test_pairs_with_a_blank_picture_have_no_cosine_of_pictures_but_one_of_texts() -> None:
    found = FeatureBlocks.of(encoder(TEXT, IMAGE), TRAINING).cosines(OTHERS, SOURCE, TARGET)
    is_blank = (SOURCE == 2) | (TARGET == 2)
    for name, cosines in found.items():
        assert np.isnan(cosines).tolist() == (is_blank & (not name.startswith("text"))).tolist()


def test_an_encoder_that_is_trained_has_no_blocks() -> None:
    trained = SimpleNamespace(is_frozen=False, groups=TEXT.groups)
    blocks = FeatureBlocks.of(encoder(trained, IMAGE), replace(TRAINING, text=None))
    assert blocks.names == ("image 1", "image 2", "colours 1")


@pytest.mark.parametrize("at_once", [1, 5, 36])
def test_cosines_do_not_depend_on_how_many_pairs_are_measured_at_once_nor_on_their_order(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    blocks = FeatureBlocks.of(encoder(TEXT, IMAGE), TRAINING)
    expected = blocks.cosines(OTHERS, SOURCE, TARGET)
    monkeypatch.setattr(feature_blocks, "PAIRS_AT_ONCE", at_once)
    for name, cosines in blocks.cosines(OTHERS, TARGET, SOURCE).items():
        np.testing.assert_array_equal(cosines, expected[name], err_msg=name)
