import math

import pytest
import torch

from losses.learned_threshold import LearnedThresholdLoss
from losses.self_adaptive_threshold import SelfAdaptiveThresholdLoss
from models.embedding import PairScore


def reference(match: float, same: bool, threshold: float) -> float:
    return math.log1p(math.exp(threshold - match if same else match - threshold))


def test_loss_agrees_with_float64_logarithms() -> None:
    torch.manual_seed(0)
    match = torch.randn(50) * 4
    same = torch.rand(50) < 0.5

    loss = LearnedThresholdLoss(threshold=1.5)(PairScore(match, torch.zeros(50)), same)

    expected = [reference(score, label, 1.5) for score, label in zip(match.tolist(), same.tolist(), strict=True)]
    assert loss.tolist() == pytest.approx(expected, rel=1e-5)


def test_it_is_the_self_adaptive_loss_of_pairs_that_all_have_one_threshold() -> None:
    torch.manual_seed(0)
    match, same = torch.randn(20) * 4, torch.rand(20) < 0.5

    torch.testing.assert_close(
        LearnedThresholdLoss(0.75)(PairScore(match, torch.zeros(20)), same),
        SelfAdaptiveThresholdLoss()(PairScore(match, torch.full((20,), 0.75)), same),
    )


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("score", [-6.0, 0.3, 0.5, 7.0])
def test_gradients_agree_with_float64_differences(score: float, same: bool) -> None:
    loss = LearnedThresholdLoss(threshold=0.5)
    match = torch.tensor([score], requires_grad=True)
    step = 1e-6

    loss(PairScore(match, torch.zeros(1)), torch.tensor([same])).sum().backward()

    slope = (reference(score + step, same, 0.5) - reference(score - step, same, 0.5)) / (2 * step)
    assert match.grad is not None
    assert loss.threshold.grad is not None
    assert match.grad.item() == pytest.approx(slope, rel=1e-4, abs=1e-6)
    assert loss.threshold.grad.item() == pytest.approx(-slope, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("match", "same"), [(1e4, True), (1e4, False), (-1e4, True), (-1e4, False)])
def test_loss_and_gradient_stay_finite_far_away(match: float, same: bool) -> None:
    loss = LearnedThresholdLoss(threshold=0.5)

    value = loss(PairScore(torch.tensor([match]), torch.zeros(1)), torch.tensor([same]))
    value.sum().backward()

    right = (match > 0) == same
    assert value.item() == pytest.approx(0.0 if right else abs(match - 0.5))
    assert loss.threshold.grad is not None
    assert abs(loss.threshold.grad.item()) == (0.0 if right else 1.0)


def test_the_decision_threshold_starts_as_given_and_follows_training() -> None:
    loss = LearnedThresholdLoss(threshold=0.0)
    assert loss.decision_threshold == 0.0
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    match, same = torch.tensor([4.0, 2.0, 3.0, 1.0]), torch.tensor([True, False, True, False])

    for _ in range(300):
        optimizer.zero_grad()
        loss(PairScore(match, torch.zeros(4)), same).mean().backward()
        optimizer.step()

    assert 2.0 < loss.decision_threshold < 3.0
