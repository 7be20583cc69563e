import pytest
import torch
from torch import Tensor

from data.loading import load_split
from engine.fresh_state import fresh_state
from engine.train_state import TrainState
from models.item_encoder import ItemEncoder
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions


def made(make_options: MakeOptions, *overrides: str) -> TrainState:
    options = make_options(*overrides)
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    return fresh_state(options, options.model, split, ALONE)


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
    with pytest.raises(UserError, match=r"model\.text_encoder cannot read texts"):
        fresh_state(options, options.model, split, ALONE)
