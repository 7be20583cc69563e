import re

import pytest
from pydantic import ValidationError

from models.options import ModelOptions

TIMM = {"name": "timm", "architecture": "resnet18"}
BERT = {"name": "transformers", "architecture": {"model_type": "bert"}, "weights": "random"}


def model(**options: object) -> ModelOptions:
    return ModelOptions.model_validate(options)


def test_either_encoder_may_be_left_out_but_not_both() -> None:
    assert model(image_encoder=TIMM).text_encoder is None
    assert model(text_encoder=BERT).image_encoder is None
    with pytest.raises(ValidationError, match="give at least one"):
        model()


def test_the_defaults_are_those_of_the_published_model() -> None:
    options = model(text_encoder=BERT)
    assert options.embedding_width == 512
    assert options.threshold_branch
    assert not options.share_encoders
    assert options.head.name == "linear"


def test_the_name_chooses_the_library() -> None:
    swin = {"name": "transformers", "architecture": "microsoft/swin", "pooling": "cls"}
    assert type(model(image_encoder=TIMM).image_encoder).__name__ == "TimmImageEncoderOptions"
    assert type(model(image_encoder=swin).image_encoder).__name__ == "TransformersImageEncoderOptions"
    with pytest.raises(ValidationError):
        model(image_encoder={"name": "other", "architecture": "x"})


@pytest.mark.parametrize(
    ("side", "encoder", "hub_name"),
    [
        ("image_encoder", TIMM, "resnet18"),
        ("image_encoder", {**TIMM, "weights": "random"}, None),
        ("image_encoder", {**TIMM, "weights": "some/folder"}, None),
        ("text_encoder", BERT, None),
        ("text_encoder", {"name": "transformers", "architecture": "a/b"}, "a/b"),
        ("text_encoder", {"name": "transformers", "architecture": "a/b", "weights": "random"}, "a/b"),
        ("image_encoder", {"name": "transformers", "architecture": "a/b"}, "a/b"),
    ],
)
def test_the_hub_is_asked_for_names_only(side: str, encoder: dict[str, object], hub_name: str | None) -> None:
    assert getattr(model(**{side: encoder}), side).hub_name == hub_name


@pytest.mark.parametrize(
    "fault",
    [
        {"embedding_width": 0},
        {"head": {"name": "quadratic"}},
        {"head": {"name": "linear", "scale": 8.0}},
        {"weight": None},
        {"text_encoder": {**BERT, "pooling": "max"}},
    ],
)
def test_a_faulty_option_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        model(**{"text_encoder": BERT, **fault})


def test_a_head_that_is_fitted_needs_features_that_stand_still() -> None:
    late = {"name": "late_fusion", "scale": 4.0}
    assert model(text_encoder={**BERT, "freeze": "all"}, head=late).head.is_fitted
    with pytest.raises(ValidationError, match=r"late_fusion is fitted .*: set model\.text_encoder\.freeze to all"):
        model(text_encoder=BERT, head=late)


@pytest.mark.parametrize(("levels", "advice"), [([4, 2], [2, 4]), ([1, 1], [1]), ([0, 2, 1], [0, 1, 2])])
def test_levels_ascend_and_come_once_each(levels: list[int], advice: list[int]) -> None:
    with pytest.raises(ValidationError, match=re.escape(f"each once: give {advice}")):
        model(image_encoder={**TIMM, "levels": tuple(levels)})
    assert model(image_encoder={**TIMM, "levels": tuple(advice)}).image_encoder is not None


@pytest.mark.parametrize(
    ("agreement", "message"),
    [
        ({"attributes": ("颜色", "")}, "blank, ''"),
        ({"attributes": ("颜色", "\u200b")}, "blank"),
        ({"attributes": ("颜色", "颜色 ")}, "gives '颜色' twice, the second time as '颜色 '"),
        ({"attributes": ("Color", "ＣＯＬＯＲ")}, "gives 'Color' twice"),
        ({"attributes": ("颜色",), "in_title": {"颜色": ("红", "#")}}, "blank, '#'"),
        ({"attributes": ("颜色",), "in_title": {"颜色": ("XK-1", "xk—1")}}, "gives 'XK-1' twice"),
    ],
)
def test_names_and_values_that_are_blank_or_given_twice_are_refused(agreement: object, message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        model(text_encoder=BERT, agreement=agreement)
