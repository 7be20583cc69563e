from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.speed import reference
from benchmarks.speed.models import workload_model, workload_options, workload_split
from benchmarks.speed.reference import PlainTraining, main
from benchmarks.speed.settings import TINY
from benchmarks.speed.training import LARGEST_DIFFERENCE, OurTraining, gradient_difference
from benchmarks.speed.workload import WorkloadSize, write_workload


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workload to train on."""
    return write_workload(tmp_path_factory.mktemp("training") / "workload", TINY, WorkloadSize(10, 9), 0)


def test_both_ways_have_the_same_gradient(workload: Path) -> None:
    difference, operations = gradient_difference(workload)
    assert difference <= LARGEST_DIFFERENCE
    assert operations > 0


def test_a_reference_of_another_loss_is_found_out(workload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def smoothed(logits: Tensor, same: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(logits, same, label_smoothing=0.01)

    monkeypatch.setattr(reference, "functional", type("Changed", (), {"cross_entropy": staticmethod(smoothed)}))
    assert gradient_difference(workload)[0] > LARGEST_DIFFERENCE


def test_both_ways_learn_the_same_in_two_steps(workload: Path) -> None:
    options = workload_options(workload, "data.workers=0", "train.optimizer.lr=0.0001")
    split = workload_split(options)
    ours = OurTraining(options, split)
    numbers = [batch.items.item.tolist() for batch in ours.batches(2)]
    ours.steps(ours.batches(2), 2)
    encoder = workload_model(options)
    plain = PlainTraining(encoder, split, options)
    from data.pair_sampler import pairs_at

    for step in range(2):
        pairs = pairs_at(options.seed, 4 * step, 4, len(split.pairs)).tolist()
        assert {*split.pairs.source[pairs].tolist(), *split.pairs.target[pairs].tolist()} == {*numbers[step]}
        plain.step(pairs)
    # Adam makes steps of the learning rate also where a gradient is mere rounding, so only the whole is compared.
    for our_weight, weight in zip(ours.state.model.item_encoder.parameters(), encoder.parameters(), strict=True):
        assert (our_weight - weight).abs().max() <= 4.1e-4
    first = workload_model(options)
    moved = _length(first, encoder)
    assert _length(ours.state.model.item_encoder, encoder) < 0.05 * moved


def test_the_reference_trains_a_first_step_as_a_command(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(workload)])
    assert capsys.readouterr().out.startswith("step 1/1  loss ")


def _length(one: torch.nn.Module, other: torch.nn.Module) -> float:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return float(torch.cat([(a - b).flatten() for a, b in pairs]).norm())
