from pathlib import Path

import pytest
import torch
from torch import Tensor

from data.loading import load_split
from engine import training_start
from engine.encode import encoding_plan
from engine.known_features import with_known_features
from engine.trainer import run_training
from engine.training import TrainState
from engine.training_start import fit_to_training_items
from models.item_encoder import ItemEncoder
from models.late_fusion import GroupProjection, LateFusionHead
from options.errors import UserError
from tests.engine.conftest import ALONE, LATE_FUSION, MakeOptions, fresh_state
from tests.engine.test_trainer import final_tensors


def made(make_options: MakeOptions, *overrides: str) -> TrainState:
    options = make_options(*overrides)
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    return training_start.fresh_state(options, options.model, split, ALONE)


def weights(state: TrainState) -> dict[str, Tensor]:
    return {name: weight.detach() for name, weight in state.model.named_parameters()}


def test_the_first_weights_are_those_of_the_seed_whatever_was_drawn_before(make_options: MakeOptions) -> None:
    first = weights(made(make_options, "seed=3"))
    torch.rand(7)
    again, other = weights(made(make_options, "seed=3")), weights(made(make_options, "seed=4"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_it_stands_before_the_first_step(make_options: MakeOptions) -> None:
    state = made(make_options)
    assert state.step == 0
    assert state.best_step is None
    assert not state.optimizer.state


@pytest.mark.parametrize("wanted", [False, True])
def test_activations_are_computed_again_where_the_options_say_so(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    asked: list[ItemEncoder] = []
    monkeypatch.setattr(ItemEncoder, "checkpoint_activations", lambda encoder: asked.append(encoder))
    made(make_options, f"train.activation_checkpointing={str(wanted).lower()}")
    assert len(asked) == int(wanted)


def test_an_encoder_that_cannot_read_the_texts_is_refused_before_training(make_options: MakeOptions) -> None:
    def few_positions(tree: dict[str, dict[str, dict[str, dict[str, int]]]]) -> None:
        tree["model"]["text_encoder"]["architecture"]["max_position_embeddings"] = 4

    options = make_options(change=few_positions)
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    with pytest.raises(UserError, match=r"model\.text_encoder: BertModel cannot read texts"):
        training_start.fresh_state(options, options.model, split, ALONE)


def few_pairs(make_options: MakeOptions) -> str:
    """Write some of the training pairs to a file, and return the override that takes them."""
    train = make_options().data.train
    assert train is not None
    lines_of_all = train.pairs.read_text(encoding="utf-8").splitlines(keepends=True)
    Path("few.jsonl").write_text("".join(lines_of_all[16:24]), encoding="utf-8")
    return "data.train.pairs=few.jsonl"


def heads(encoder: ItemEncoder) -> list[GroupProjection]:
    assert isinstance(encoder.match.projection, LateFusionHead)
    return [head for head in encoder.match.projection.heads if isinstance(head, GroupProjection)]


def test_heads_are_fitted_to_the_items_of_the_training_pairs_and_no_others(make_options: MakeOptions) -> None:
    options = make_options(*LATE_FUSION, few_pairs(make_options))
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    state = fresh_state(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    split = with_known_features(split, state.model.item_encoder, Path("features"), plan, ALONE, "")
    fit_to_training_items(state, split)
    assert split.items.known is not None
    assert {*split.pairs.source.tolist(), *split.pairs.target.tolist()} == set(range(len(split.catalog)))
    text, image = heads(state.model.item_encoder)
    torch.testing.assert_close(text.whitening.mean, split.items.known.text.mean(dim=0))  # type: ignore[union-attr]
    torch.testing.assert_close(image.whitening.mean, split.items.known.image.mean(dim=0))  # type: ignore[union-attr]


def test_a_run_fits_before_its_first_step(make_options: MakeOptions) -> None:
    run_training(make_options("name=whole", *LATE_FUSION), "", ALONE)
    tensors = final_tensors("whole")
    assert tensors["match.projection.heads.0.whitening.mean"].abs().sum() > 0


def test_a_run_that_starts_from_weights_keeps_what_they_were_fitted_to(make_options: MakeOptions) -> None:
    result = run_training(make_options("name=first", *LATE_FUSION), "", ALONE)
    weights = f"model.weights={result.checkpoint.resolve()}"
    run_training(make_options("name=second", *LATE_FUSION, weights, few_pairs(make_options)), "", ALONE)
    name = "match.projection.heads.0.whitening.mean"
    assert torch.equal(final_tensors("second")[name], final_tensors("first")[name])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.frozen_features=null", "give train.frozen_features"),
        ("model.text_encoder.freeze=1", r"set model\.text_encoder\.freeze to all"),
        ("model.head.scale=null", r"model\.head\.scale: should be a number"),
        ("model.head.standardize=true", "is an option under name: linear, name: cosine only"),
    ],
)
def test_options_that_do_not_go_with_late_fusion_are_refused(
    make_options: MakeOptions, override: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make_options(*LATE_FUSION, override)


def test_a_width_that_the_groups_of_features_cannot_share_is_refused(make_options: MakeOptions) -> None:
    message = r"model\.embedding_width: 15 numbers cannot be dealt evenly to the 2 groups .* \(text, image\)"
    with pytest.raises(UserError, match=message):
        run_training(make_options(*LATE_FUSION, "model.embedding_width=15"), "", ALONE)


def test_one_group_of_features_has_one_projection(make_options: MakeOptions) -> None:
    run_training(make_options("name=image", *LATE_FUSION, "model.text_encoder=null"), "", ALONE)
    assert final_tensors("image")["match.projection.log_scale"].shape == (1,)
