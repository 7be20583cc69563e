import math

import pytest
import torch

from losses.fixed_threshold import FixedThresholdLoss
from models.embedding import PairScore


def reference(cosine: float, same: bool, log_scale: float, threshold: float) -> float:
    logit = math.exp(log_scale) * (cosine - threshold)
    return math.log1p(math.exp(-logit if same else logit))


def test_loss_agrees_with_float64_logarithms() -> None:
    torch.manual_seed(0)
    match = torch.rand(50) * 2 - 1
    same = torch.rand(50) < 0.5

    loss = FixedThresholdLoss(scale=10.0, threshold=0.5)(PairScore(match, torch.zeros(50)), same)

    expected = [
        reference(cosine, label, math.log(10.0), 0.5)
        for cosine, label in zip(match.tolist(), same.tolist(), strict=True)
    ]
    assert loss.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("cosine", [-0.9, 0.3, 0.5, 0.55, 1.0])
def test_gradients_agree_with_float64_differences(cosine: float, same: bool) -> None:
    loss = FixedThresholdLoss(scale=8.0, threshold=0.5)
    match = torch.tensor([cosine], requires_grad=True)
    point = (cosine, math.log(8.0), 0.5)
    step = 1e-6

    loss(PairScore(match, torch.zeros(1)), torch.tensor([same])).sum().backward()

    for position, variable in enumerate((match, loss.log_scale, loss.threshold)):
        ahead, behind = ([*point], [*point])
        ahead[position] += step
        behind[position] -= step
        slope = (reference(ahead[0], same, ahead[1], ahead[2]) - reference(behind[0], same, behind[1], behind[2])) / (
            2 * step
        )
        assert variable.grad is not None
        assert variable.grad.item() == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_the_margin_counts_where_there_is_a_threshold_branch() -> None:
    loss = FixedThresholdLoss(scale=10.0, threshold=0.5)
    same = torch.tensor([True, False])

    torch.testing.assert_close(
        loss(PairScore(torch.tensor([0.9, 0.9]), torch.tensor([0.25, 0.5])), same),
        loss(PairScore(torch.tensor([0.65, 0.4]), torch.zeros(2)), same),
    )


@pytest.mark.parametrize(("margin", "same"), [(1e4, True), (1e4, False), (-1e4, True), (-1e4, False)])
def test_loss_and_gradients_stay_finite_far_away(margin: float, same: bool) -> None:
    loss = FixedThresholdLoss(scale=10.0, threshold=0.5)
    match = torch.tensor([margin], requires_grad=True)

    value = loss(PairScore(match, torch.zeros(1)), torch.tensor([same]))
    value.sum().backward()

    right = (margin > 0) == same
    assert value.item() == pytest.approx(0.0 if right else abs(10 * (margin - 0.5)))
    for variable in (match, loss.log_scale, loss.threshold):
        assert variable.grad is not None
        assert (variable.grad.item() == 0) == right
        assert math.isfinite(variable.grad.item())


def test_scale_and_threshold_are_learned_and_start_as_given() -> None:
    loss = FixedThresholdLoss(scale=10.0, threshold=0.25)

    assert {name: value.shape for name, value in loss.named_parameters()} == {
        "log_scale": torch.Size([]),
        "threshold": torch.Size([]),
    }
    assert loss.log_scale.exp().item() == pytest.approx(10.0)
    assert loss.decision_threshold == 0.25


def test_the_decision_threshold_follows_training() -> None:
    loss = FixedThresholdLoss(scale=10.0, threshold=0.5)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.02)
    match, same = torch.tensor([0.9, 0.7, 0.8, 0.6]), torch.tensor([True, False, True, False])

    for _ in range(200):
        optimizer.zero_grad()
        loss(PairScore(match, torch.zeros(4)), same).mean().backward()
        optimizer.step()

    assert 0.7 < loss.decision_threshold < 0.8


def test_one_label_broadcasts_and_the_loss_is_float32() -> None:
    score = PairScore(torch.ones(3, 4, dtype=torch.bfloat16), torch.zeros(3, 4, dtype=torch.bfloat16))

    value = FixedThresholdLoss(10.0, 0.5)(score, torch.tensor(False))

    assert value.shape == (3, 4)
    assert value.dtype == torch.float32
