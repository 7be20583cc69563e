from typing import Any

import pytest
from pydantic import ValidationError

from engine.experiment import ExperimentOptions
from options.errors import UserError
from tests.engine.conftest import MakeOptions


@pytest.mark.parametrize("name", ["63_grad_clip_norm_0.5", "花瓶", "a", "a.b", "x" * 200, "-", "a=b"])
def test_a_folder_name_is_a_run_name(make_options: MakeOptions, name: str) -> None:
    assert make_options(change=lambda tree: tree.update(name=name)).name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "/a", "a\\b", "a b", "a\tb", "a\n", "a　b", "x" * 201, "花" * 67]
)
def test_what_is_no_folder_name_is_refused_in_plain_words(make_options: MakeOptions, name: str) -> None:
    with pytest.raises(UserError, match=r"name: should be a folder name without spaces, / and \\"):
        make_options(change=lambda tree: tree.update(name=name))


COSINE = ("model.threshold_branch=false", "model.normalize=true")


@pytest.mark.parametrize("loss", ["fixed_threshold", "contrastive"])
def test_losses_on_the_cosine_need_normalised_match_embeddings_alone(make_options: MakeOptions, loss: str) -> None:
    assert make_options(f"loss.name={loss}", *COSINE).loss.name == loss
    for overrides in ((), COSINE[:1], COSINE[1:]):
        with pytest.raises(UserError, match=rf"loss\.name {loss} decides by the cosine .* model\.threshold_branch to"):
            make_options(f"loss.name={loss}", *overrides)


def test_the_learned_threshold_needs_plain_match_embeddings_alone(make_options: MakeOptions) -> None:
    assert make_options("loss.name=learned_threshold", COSINE[0]).loss.name == "learned_threshold"
    for overrides in ((), COSINE, COSINE[1:]):
        with pytest.raises(
            UserError, match=r"learned_threshold decides by the plain dot product .* and model\.normalize"
        ):
            make_options("loss.name=learned_threshold", *overrides)


@pytest.mark.parametrize("overrides", [(), COSINE, COSINE[:1], COSINE[1:]])
def test_the_self_adaptive_loss_goes_with_every_branch(make_options: MakeOptions, overrides: tuple[str, ...]) -> None:
    assert make_options(*overrides).loss.name == "self_adaptive_threshold"


def test_stated_attributes_are_compared_in_the_margin_alone(make_options: MakeOptions) -> None:
    agreement = "model.agreement={attributes: [品牌, 型号], in_title: {型号: [a]}}"
    assert make_options(agreement).reads.attributes.names == ("品牌", "型号")
    with pytest.raises(UserError, match=r"loss\.name contrastive does not decide: set .* or model\.agreement to null"):
        make_options(agreement, "loss.name=contrastive", *COSINE)
    with pytest.raises(UserError, match="in_title has 系列, which attributes has not: give it there too"):
        make_options("model.agreement={attributes: [品牌], in_title: {系列: [a]}}")


def pretrained(tree: dict[str, Any]) -> None:
    tree["model"]["image_encoder"] = {"name": "timm", "architecture": "swin_x.in22k"}
    tree["model"]["text_encoder"] = {"name": "transformers", "architecture": "hub/text"}
    tree["data"]["text"]["tokenizer"] = "hub/tokenizer"


def test_what_may_be_on_the_hub_is_named(make_options: MakeOptions) -> None:
    options = make_options(change=pretrained)
    assert sorted(options.hub_names) == ["hub/text", "hub/tokenizer", "swin_x.in22k"]
    assert options.reads.text
    assert options.reads.image


def test_what_is_not_read_need_not_be_on_the_hub(make_options: MakeOptions) -> None:
    image = make_options("model.text_encoder=null", "model.image_encoder.weights=random", change=pretrained)
    assert image.hub_names == []
    assert (image.reads.text, image.reads.image) == (False, True)
    text = make_options("model.image_encoder=null", change=pretrained)
    assert sorted(text.hub_names) == ["hub/text", "hub/tokenizer"]
    assert (text.reads.text, text.reads.image) == (True, False)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seeds_beyond_31_bits_are_refused(make_options: MakeOptions, seed: int) -> None:
    with pytest.raises(UserError, match="seed: should be"):
        make_options(f"seed={seed}")


def test_options_cannot_be_changed(make_options: MakeOptions) -> None:
    options: ExperimentOptions = make_options()
    with pytest.raises(ValidationError, match="frozen"):
        options.seed = 3


def test_colours_are_seen_through_the_normalisation_of_the_pictures(make_options: MakeOptions) -> None:
    grey = "data.image.mean=[0.5, 0.5, 0.5]"
    assert make_options("model.image_encoder.colours={}").model.image_encoder is not None
    with pytest.raises(UserError, match=r"colours undoes data\.image\.mean and data\.image\.std"):
        make_options("model.image_encoder.colours={}", grey)
    make_options("model.image_encoder.colours={mean: [0.5, 0.5, 0.5]}", grey)
