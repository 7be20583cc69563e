import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch._inductor import config

from data.pair_batch import PairBatch
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.run_folder import run_folder
from engine.trainer import run_training
from engine.training_model import BUCKET_MEBIBYTES, TrainingModel, compile_encoders, data_parallel
from losses.pair_loss import PairLoss
from models.embedding import ItemEmbedding, PairScore
from models.encoder import Encoder
from tests.engine.conftest import ALONE, MakeOptions, fresh_state, train_batch
from tests.engine.processes import in_processes, run_processes


def built(options: ExperimentOptions) -> tuple[TrainingModel, PairBatch]:
    return fresh_state(options).model, train_batch(options, 0, 3, 4, 25, 40, 41)


def embeddings(model: TrainingModel, batch: PairBatch) -> ItemEmbedding:
    with torch.no_grad():
        items: ItemEmbedding = model.item_encoder(batch.items)
    return items


def slow_margin(items: ItemEmbedding, first: int, second: int) -> float:
    match = sum(x * y for x, y in zip(items.match[first].tolist(), items.match[second].tolist(), strict=True))
    threshold = sum(
        x * y for x, y in zip(items.threshold[first].tolist(), items.threshold[second].tolist(), strict=True)
    )
    return match - threshold


def slow_loss(margin: float, same: bool) -> float:
    return math.log1p(math.exp(-margin if same else margin))


def slow_mean(items: ItemEmbedding, batch: PairBatch) -> float:
    losses = [
        slow_loss(slow_margin(items, source, target), same)
        for source, target, same in zip(batch.source.tolist(), batch.target.tolist(), batch.same.tolist(), strict=True)
    ]
    return sum(losses) / len(losses)


def test_the_loss_is_the_mean_over_the_labelled_pairs(make_options: MakeOptions) -> None:
    model, batch = built(make_options())
    output = model(batch)
    items = embeddings(model, batch)
    assert 0 < batch.same.sum() < len(batch.same)
    assert output.loss.item() == pytest.approx(slow_mean(items, batch), rel=1e-5)
    expected = [slow_margin(items, s, t) for s, t in zip(batch.source.tolist(), batch.target.tolist(), strict=True)]
    assert output.score.margin.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_in_batch_negatives_are_added_with_their_weight(make_options: MakeOptions, weight: float) -> None:
    model, batch = built(make_options(f"loss.in_batch_negatives={{weight: {weight}}}"))
    items, group = embeddings(model, batch), batch.group.tolist()
    negatives = [
        slow_loss(slow_margin(items, first, second), same=False)
        for second in range(len(group))
        for first in range(second)
        if group[first] != group[second]
    ]
    assert len(negatives) > len(batch.same)
    expected = slow_mean(items, batch) + weight * sum(negatives) / len(negatives)
    assert model(batch).loss.item() == pytest.approx(expected, rel=1e-5)


class Spy(PairLoss):
    """Notes the types it computes in."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[torch.dtype, bool]] = []

    @property
    def decision_threshold(self) -> float:
        return 0.0

    def forward(self, score: PairScore, same: torch.Tensor) -> torch.Tensor:
        self.seen.append((score.margin.dtype, torch.is_autocast_enabled("cpu")))
        return score.margin + same


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_scores_and_losses_are_float32_outside_of_autocast(make_options: MakeOptions, precision: str) -> None:
    model, batch = built(make_options(f"train.precision={precision}", "loss.in_batch_negatives={weight: 1.0}"))
    seen: list[torch.dtype] = []
    projection = model.item_encoder.match.projection
    projection.register_forward_hook(lambda module, arguments, output: seen.append(output.dtype))
    model.loss = spy = Spy()
    output = model(batch)
    assert seen == [getattr(torch, precision)]
    assert spy.seen == [(torch.float32, False)] * 2
    assert output.loss.dtype == output.score.margin.dtype == torch.float32


@pytest.mark.parametrize("overrides", [[], ["model.share_encoders=true"]])
def test_the_gradient_reaches_every_weight_of_both_branches(make_options: MakeOptions, overrides: list[str]) -> None:
    model, batch = built(make_options(*overrides))
    model(batch).loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    for branch in ("match", "threshold"):
        reached = [
            name
            for name, gradient in gradients.items()
            if gradient is not None and f".{branch}." in name and gradient.abs().sum() > 0
        ]
        assert f"verifier.item_encoder.{branch}.projection.weight" in reached


def test_the_learned_numbers_of_a_loss_are_trained_and_its_threshold_told(make_options: MakeOptions) -> None:
    cosine = ("model.threshold_branch=false", "model.head={name: cosine}")
    model, batch = built(make_options("loss={name: fixed_threshold, threshold: 0.25}", *cosine))
    model(batch).loss.backward()
    assert {name for name, p in model.named_parameters() if name.startswith("loss.") and p.grad is not None} == {
        "loss.log_scale",
        "loss.threshold",
    }
    assert model.loss.decision_threshold == pytest.approx(0.25)


# In processes of their own, since what torch starts in order to compile keeps a process from forking others that train.


@pytest.fixture
def without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.cpp, "cxx", (None, "no-such-compiler"))


def test_every_encoder_is_compiled_for_shapes_that_vary(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled: list[tuple[Encoder, object]] = []
    monkeypatch.setattr(Encoder, "compile", lambda encoder, dynamic: compiled.append((encoder, dynamic)))

    def compile_all(processes: Processes, folder: Path) -> None:
        encoder = fresh_state(make_options()).model.item_encoder
        assert compile_encoders(encoder, processes.device) is None
        assert compiled == [(each, True) for each in encoder.encoders()]
        assert len(compiled) == 4

    in_processes(1, compile_all, tmp_path)


@pytest.mark.usefixtures("without_a_compiler")
def test_without_a_compiler_training_goes_on_with_one_line_about_it(make_options: MakeOptions, tmp_path: Path) -> None:
    def train(processes: Processes, folder: Path) -> None:
        options = make_options("train.compile=true", "train.steps=2", "log.tensorboard=false")
        result = run_training(options, "", processes)
        assert result.step == 2

    in_processes(1, train, tmp_path)
    log = Path(run_folder("tiny").log).read_text()
    assert log.count("train.compile: nothing is compiled, since torch.compile finds no compiler that works") == 1


INPUTS = torch.arange(12, dtype=torch.float32).view(4, 3)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))


def gradients(module: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    module(inputs).mean().backward()
    return {
        name.removeprefix("module."): weight.grad.clone()
        for name, weight in module.named_parameters()
        if weight.grad is not None
    }


def test_one_process_calls_the_model_itself() -> None:
    alone = model()
    assert data_parallel(alone, ALONE) is alone


@pytest.mark.parametrize("bucket_mebibytes", [BUCKET_MEBIBYTES, 1])
@pytest.mark.parametrize("static_graph", [False, True])
def test_two_processes_get_the_gradient_of_all_their_inputs(
    tmp_path: Path, bucket_mebibytes: int, static_graph: bool
) -> None:
    def action(processes: Processes, folder: Path) -> None:
        module = data_parallel(model(), processes, bucket_mebibytes, static_graph)
        own = INPUTS[2 * processes.rank : 2 * processes.rank + 2]
        torch.save(gradients(module, own), folder / f"result{processes.rank}.pt")

    expected = gradients(model(), INPUTS)
    for found in run_processes(2, action, tmp_path):
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient)
