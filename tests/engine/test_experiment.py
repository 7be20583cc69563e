import importlib
import math
from pathlib import Path
from typing import Annotated, Any, Union, get_args

import pytest
from pydantic import Field, ValidationError

from engine.experiment import ExperimentOptions
from engine.trainer import run_training
from losses.options import LossOptions
from options.errors import UserError
from options.read import read_options
from tests.engine.conftest import ALONE, LATE_FUSION, MakeOptions


@pytest.mark.parametrize("name", ["63_grad_clip_norm_0.5", "花瓶", "a", "a.b", "x" * 200, "-", "a=b"])
def test_a_folder_name_is_a_run_name(make_options: MakeOptions, name: str) -> None:
    assert make_options(change=lambda tree: tree.update(name=name)).name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "/a", "a\\b", "a b", "a\tb", "a\n", "a　b", "x" * 201, "花" * 67]
)
def test_what_is_no_folder_name_is_refused_in_plain_words(make_options: MakeOptions, name: str) -> None:
    with pytest.raises(UserError, match=r"name: should be a folder name without spaces, / and \\"):
        make_options(change=lambda tree: tree.update(name=name))


def test_stated_attributes_are_read_where_they_are_compared(make_options: MakeOptions) -> None:
    agreement = "model.agreement={attributes: [品牌, 型号], in_title: {型号: [a]}}"
    assert make_options(agreement).reads.attributes.names == ("品牌", "型号")
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


SCORES = {
    "dot product": (),
    "cosine": ("model.head={name: cosine}",),
    "scaled cosine": ("model.head={name: cosine, scale: 4.0}",),
    "sum of cosines": LATE_FUSION,
}
ALONE_OR_NOT = {
    "alone": ("model.threshold_branch=false",),
    "with a threshold branch": (),
    "with stated attributes": ("model.threshold_branch=false", "model.agreement={attributes: [品牌]}"),
}
NEEDED = {"fixed_threshold": "cosine", "contrastive": "cosine", "learned_threshold": "dot product"}
CHANGES = {
    "dot product": "model.head to {name: linear}",
    "cosine": "model.head to {name: cosine, scale: null}",
    "with a threshold branch": "model.threshold_branch to false",
    "with stated attributes": "model.agreement to null",
}


@pytest.mark.parametrize("beside", ALONE_OR_NOT)
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("loss", [*NEEDED, "self_adaptive_threshold"])
def test_every_loss_on_a_score_that_it_does_not_decide_by_is_refused_with_what_to_set(
    make_options: MakeOptions, loss: str, score: str, beside: str
) -> None:
    overrides = (f"loss.name={loss}", *SCORES[score], *ALONE_OR_NOT[beside])
    needed = NEEDED.get(loss, score)
    changes = [CHANGES[needed]] if score != needed else []
    changes += [CHANGES[beside]] if beside != "alone" else []
    if loss not in NEEDED or not changes:
        assert make_options(*overrides).loss.name == loss
        return
    with pytest.raises(UserError) as refused:
        make_options(*overrides)
    assert f"loss.name {loss} decides by the {needed} of match embeddings alone: set " in str(refused.value)
    listed = str(refused.value).partition(": set ")[2]
    assert all((change in listed) == (change in changes) for change in CHANGES.values())


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("model.normalize=true", "model.normalize: "),
        ("model.scale=4.0", "did you mean model.head.scale?"),
        ("model.standardize=true", "did you mean model.head.standardize?"),
        ("model.dropout=0.1", "did you mean model.head.dropout?"),
        ("model.heads={}", "did you mean model.head?"),
        ("model.image_encoder.colours={}", "model.image_encoder.colours: should be true or false, not {}"),
    ],
)
def test_keys_of_earlier_versions_are_refused_with_what_replaces_them(
    make_options: MakeOptions, override: str, told: str
) -> None:
    with pytest.raises(UserError) as refused:
        make_options(override)
    assert told in str(refused.value)


HINGE = """
from typing import Literal

import torch

from losses.options import PairLossOptions
from losses.pair_loss import PairLoss


class HingeLoss(PairLoss):
    decision_threshold = 0.5

    def forward(self, score, same):
        margin = score.margin.float() - self.decision_threshold
        return (0.25 - torch.where(same, margin, -margin)).clamp(min=0)


class HingeOptions(PairLossOptions):
    score = "cosine"

    name: Literal["hinge"]

    def build(self):
        return HingeLoss()
"""
"""All there is to a further loss, beside its place in the union of losses.options."""


def test_a_further_loss_is_one_module_and_its_place_in_the_union(
    make_options: MakeOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hinge_of_a_test.py").write_text(HINGE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    hinge = importlib.import_module("hinge_of_a_test")
    members = (hinge.HingeOptions, *get_args(get_args(LossOptions)[0]))

    class WithHinge(ExperimentOptions):
        loss: Annotated[Union[members], Field(discriminator="name")]  # type: ignore[valid-type]  # noqa: UP007

    make_options()
    cosine = ["loss={name: hinge}", "model.threshold_branch=false", "model.head={name: cosine}"]
    result = run_training(read_options(WithHinge, Path("tiny.yml"), cosine), "", ALONE)
    assert math.isfinite(result.evaluation.best_possible_f1)
    with pytest.raises(UserError, match=r"hinge decides by the cosine .*: set model\.head to \{name: cosine"):
        read_options(WithHinge, Path("tiny.yml"), cosine[:2])
    with pytest.raises(UserError, match=r"did you mean hinge\?"):
        read_options(WithHinge, Path("tiny.yml"), ["loss={name: hing}"])


NO_IMAGES = tuple(f"data.{split}.images=null" for split in ("train", "val", "test"))


def test_an_image_encoder_that_needs_no_images_is_left_out_only_where_no_split_names_any(
    make_options: MakeOptions,
) -> None:
    optional = "model.needs_images=false"
    assert make_options(optional).model.image_encoder is not None
    left_out = make_options(optional, *NO_IMAGES)
    assert left_out.model.image_encoder is None
    assert (left_out.reads.text, left_out.reads.image) == (True, False)


def test_images_are_demanded_by_an_image_encoder_that_needs_them_or_is_alone(make_options: MakeOptions) -> None:
    with pytest.raises(UserError, match=r"data\.train\.images"):
        make_options(*NO_IMAGES)
    with pytest.raises(UserError, match=r"data\.train\.images"):
        make_options("model.needs_images=false", "model.text_encoder=null", *NO_IMAGES)
    with pytest.raises(UserError, match=r"data\.train\.images"):
        make_options("model.needs_images=false", NO_IMAGES[0])


def test_all_attributes_or_a_list_of_names_may_be_read(make_options: MakeOptions) -> None:
    assert make_options("data.text.attributes=all").data.text.attributes == "all"
    assert make_options("data.text.attributes=[all]").data.text.attributes == ("all",)
    for wrong in ("every", "3", "null"):
        with pytest.raises(UserError, match=r"data\.text\.attributes"):
            make_options(f"data.text.attributes={wrong}")
