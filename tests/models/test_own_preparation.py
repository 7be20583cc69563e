import json
from pathlib import Path

import pytest

from data.options import IMAGENET_MEAN, IMAGENET_STD, ImageOptions
from models.encoder_options import TimmImageEncoderOptions, TransformersImageEncoderOptions
from models.own_preparation import preparation_warnings, prepared

HALF = (0.5, 0.5, 0.5)
TIMM = TimmImageEncoderOptions(name="timm", architecture="vit_tiny_patch16_224.augreg_in21k")


def of_a_folder(folder: Path, record: object) -> TransformersImageEncoderOptions:
    (folder / "preprocessor_config.json").write_text(json.dumps(record), encoding="utf-8")
    return TransformersImageEncoderOptions(name="transformers", architecture=str(folder))


def test_auto_takes_what_the_pretrained_weights_of_timm_were_trained_with() -> None:
    assert prepared(ImageOptions(), TIMM).normalisation == (HALF, HALF)
    random = TIMM.model_copy(update={"weights": "random"})
    assert prepared(ImageOptions(), random).normalisation == (IMAGENET_MEAN, IMAGENET_STD)
    assert prepared(ImageOptions(), None).normalisation == (IMAGENET_MEAN, IMAGENET_STD)


@pytest.mark.parametrize(
    ("record", "mean", "std"),
    [
        ({"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)),
        ({"image_mean": 0.5, "image_std": 0.5}, HALF, HALF),
        ({"do_normalize": False}, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ({"size": 224}, IMAGENET_MEAN, IMAGENET_STD),
        ({"image_mean": [0.5], "image_std": [0.5]}, IMAGENET_MEAN, IMAGENET_STD),
        ({"image_mean": [], "image_std": "x"}, IMAGENET_MEAN, IMAGENET_STD),
    ],
)
def test_auto_takes_what_a_folder_says(tmp_path: Path, record: object, mean: object, std: object) -> None:
    assert prepared(ImageOptions(), of_a_folder(tmp_path, record)).normalisation == (mean, std)


def test_numbers_stay_as_they_are_and_those_that_differ_are_named() -> None:
    image = ImageOptions(size=224, mean=IMAGENET_MEAN)
    own = prepared(image, TIMM)
    assert own.normalisation == (IMAGENET_MEAN, HALF)
    assert preparation_warnings(own, TIMM) == [
        f"data.image.mean is {IMAGENET_MEAN}, and the weights of model.image_encoder were trained with {HALF}"
    ]


@pytest.mark.parametrize("size", [{"height": 32, "width": 32}, {"shortest_edge": 32}, 32])
def test_another_size_is_named(tmp_path: Path, size: object) -> None:
    encoder = of_a_folder(tmp_path, {"image_mean": HALF, "image_std": HALF, "size": size})
    image = prepared(ImageOptions(size=48), encoder)
    assert preparation_warnings(image, encoder) == [
        "data.image.size is 48, and the weights of model.image_encoder were trained with 32"
    ]
    assert preparation_warnings(image.model_copy(update={"size": 32}), encoder) == []


def test_a_folder_without_a_preparation_says_nothing(tmp_path: Path) -> None:
    encoder = TransformersImageEncoderOptions(name="transformers", architecture=str(tmp_path))
    assert prepared(ImageOptions(), encoder).normalisation == (IMAGENET_MEAN, IMAGENET_STD)
    assert preparation_warnings(ImageOptions(), encoder) == []
