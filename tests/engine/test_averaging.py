from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.averaging import WeightAverage
from engine.checkpoint import load_train_state
from engine.run_folder import run_folder
from engine.trainer import run_training
from engine.training_model import TrainingModel
from engine.weights import load_checkpoint_weights
from models.item_encoder import build_item_encoder
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions, fresh_state, save, take_steps, train_batch
from tests.engine.test_trainer import final_tensors, killed_after, lines, without_speed  # noqa: F401

AVERAGE = "train.average={decay: 0.6}"
FIXED = ("loss={name: fixed_threshold}", "model.threshold_branch=false", "model.normalize=true")


def weights(model: TrainingModel) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_the_average_is_that_of_a_loop_over_the_steps(make_options: MakeOptions) -> None:
    options = make_options(*FIXED)
    state = fresh_state(options)
    average = WeightAverage(state.model, decay=0.6)
    expected = weights(state.model)
    for step in range(1, 5):
        take_steps(state, train_batch(options, 0, 20, 21))
        average.update(state.model, step)
        decay = min(0.6, (1 + step) / (10 + step))
        expected = {name: decay * expected[name] + (1 - decay) * new for name, new in weights(state.model).items()}
    found = weights(average.model)
    assert "loss.threshold" in found
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, msg=name)
    assert not torch.allclose(found["loss.threshold"], state.model.loss.threshold)  # type: ignore[arg-type]


def test_statistics_are_averaged_and_counters_taken_over(make_options: MakeOptions) -> None:
    resnet = "model.image_encoder={name: timm, architecture: resnet10t, weights: random}"
    state = fresh_state(make_options(resnet, "model.text_encoder=null"))
    average = WeightAverage(state.model, decay=0.6)
    before = weights(average.model)
    state.model(train_batch(make_options(resnet, "model.text_encoder=null"), 0, 1, 2))
    average.update(state.model, 1)
    now, name = weights(state.model), "verifier.item_encoder.match.image_encoder.backbone.bn1"
    found = weights(average.model)
    torch.testing.assert_close(
        found[f"{name}.running_mean"], before[f"{name}.running_mean"].lerp(now[f"{name}.running_mean"], 1 - 2 / 11)
    )
    assert found[f"{name}.num_batches_tracked"] == 1


def test_frozen_weights_are_held_once(make_options: MakeOptions) -> None:
    state = fresh_state(make_options("model.image_encoder.freeze=all"))
    average = WeightAverage(state.model, decay=0.6)
    shared = {p.data_ptr() for p in state.model.parameters()} & {p.data_ptr() for p in average.model.parameters()}
    assert shared == {p.data_ptr() for p in state.model.parameters() if not p.requires_grad}
    assert shared


@pytest.mark.usefixtures("killed_after")
def test_a_killed_run_that_averages_goes_on_to_the_same_bits(make_options: MakeOptions) -> None:
    with pytest.raises(Exception, match=r"^$"):
        run_training(make_options("name=killed", AVERAGE, *FIXED), "", ALONE)
    run_training(make_options("name=killed", AVERAGE, *FIXED), "", ALONE)
    run_training(make_options("name=whole", AVERAGE, *FIXED), "", ALONE)
    killed, whole = final_tensors("killed"), final_tensors("whole")
    assert killed.keys() == whole.keys()
    assert all(torch.equal(killed[name], whole[name]) for name in killed)
    assert without_speed(lines("killed")) == without_speed(lines("whole"))


def test_the_average_is_what_is_evaluated_and_predicted_with(make_options: MakeOptions) -> None:
    run_training(make_options("name=plain"), "", ALONE)
    result = run_training(make_options("name=averaged", AVERAGE), "", ALONE)
    plain, averaged = final_tensors("plain"), final_tensors("averaged")
    name = "match.projection.weight"
    assert torch.equal(averaged[f"trained.{name}"], plain[name])
    assert not torch.allclose(averaged[name], plain[name])
    options = make_options("name=averaged", AVERAGE)
    encoder = build_item_encoder(options.model)
    load_checkpoint_weights(result.checkpoint, encoder, options.model)
    assert torch.equal(encoder.match.projection.weight, averaged[name]) or result.step != 6
    assert lines("plain")[-1]["calibrated_threshold"] != lines("averaged")[-1]["calibrated_threshold"]


@pytest.mark.parametrize(("before", "after"), [((), (AVERAGE,)), ((AVERAGE,), ())], ids=["on", "off"])
def test_averaging_may_be_switched_on_and_off(
    make_options: MakeOptions, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    run_training(make_options("train.steps=3", *before), "", ALONE)
    result = run_training(make_options("train.steps=6", *after), "", ALONE)
    assert result.evaluation.num_pairs == 60
    assert "changed since" in run_folder("tiny").log.read_text()


def test_a_checkpoint_that_lacks_a_trained_weight_is_refused(
    make_options: MakeOptions, tampered: Callable[..., None]
) -> None:
    state = fresh_state(make_options(AVERAGE))
    checkpoint = save(run_folder("tiny").checkpoints, state)
    tampered(checkpoint / "training.safetensors", "trained.match.projection.bias")
    with pytest.raises(UserError, match=r"lacks the trained weights match\.projection\.bias"):
        load_train_state(checkpoint, fresh_state(make_options(AVERAGE)), ALONE)


@pytest.fixture
def tampered() -> Callable[..., None]:
    """Take a tensor out of a file."""

    def take_out(file: Path, name: str) -> None:
        save_file({key: tensor for key, tensor in load_file(file).items() if key != name}, file)

    return take_out
