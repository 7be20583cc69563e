import math

import pytest
import torch
from torch.nn import functional as F

from losses.self_adaptive_threshold import SelfAdaptiveThresholdLoss
from models.embedding import PairScore


def test_loss_and_gradients_are_those_of_cross_entropy_over_the_two_logits() -> None:
    torch.manual_seed(0)
    match, threshold = (torch.randn(64) * 5).requires_grad_(), (torch.randn(64) * 5).requires_grad_()
    same = torch.rand(64) < 0.5
    expected = F.cross_entropy(torch.stack([threshold, match], dim=1), same.long(), reduction="none")
    expected_gradients = torch.autograd.grad(expected.sum(), [match, threshold])

    loss = SelfAdaptiveThresholdLoss()(PairScore(match, threshold), same)
    gradients = torch.autograd.grad(loss.sum(), [match, threshold])

    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradients, expected_gradients)


def test_loss_agrees_with_float64_logarithms() -> None:
    margins = [-30.0, -20.5, -3.0, -1e-4, 0.0, 1e-4, 3.0, 19.5, 20.5, 30.0]

    for same in (True, False):
        loss = SelfAdaptiveThresholdLoss()(
            PairScore(torch.tensor(margins), torch.zeros(len(margins))), torch.tensor(same)
        )
        expected = [math.log1p(math.exp(-margin if same else margin)) for margin in margins]
        assert loss.tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("margin", "same", "expected", "expected_gradient"),
    [
        (1e4, True, 0.0, 0.0),
        (1e4, False, 1e4, 1.0),
        (-1e4, True, 1e4, -1.0),
        (-1e4, False, 0.0, 0.0),
        (0.0, True, math.log(2), -0.5),
        (0.0, False, math.log(2), 0.5),
    ],
)
def test_loss_and_gradient_are_right_at_zero_and_far_away(
    margin: float, same: bool, expected: float, expected_gradient: float
) -> None:
    match = torch.tensor([margin], requires_grad=True)

    loss = SelfAdaptiveThresholdLoss()(PairScore(match, torch.zeros(1)), torch.tensor([same]))
    loss.sum().backward()

    assert loss.item() == pytest.approx(expected)
    assert match.grad is not None
    assert match.grad.item() == pytest.approx(expected_gradient)


def test_one_label_broadcasts_over_a_matrix_of_pairs() -> None:
    score = PairScore(torch.randn(3, 4), torch.randn(3, 4))

    loss = SelfAdaptiveThresholdLoss()(score, torch.tensor(False))

    assert loss.shape == (3, 4)
    torch.testing.assert_close(loss, SelfAdaptiveThresholdLoss()(score, torch.zeros(3, 4, dtype=torch.bool)))


def test_loss_of_half_precision_scores_is_float32() -> None:
    score = PairScore(torch.ones(2, dtype=torch.bfloat16), torch.zeros(2, dtype=torch.bfloat16))

    assert SelfAdaptiveThresholdLoss()(score, torch.tensor([True, False])).dtype == torch.float32


def test_a_pair_is_the_same_above_its_own_threshold() -> None:
    loss = SelfAdaptiveThresholdLoss()

    assert loss.decision_threshold == 0.0
    assert not list(loss.parameters())


def test_a_learned_threshold_is_taken_off_the_margin_and_decides() -> None:
    loss = SelfAdaptiveThresholdLoss(1.5)
    score = PairScore(torch.tensor([2.0, 1.0]), torch.tensor([0.25, 0.25]))
    same = torch.tensor([True, False])
    each = loss(score, same)
    assert each.tolist() == pytest.approx([math.log1p(math.exp(-0.25)), math.log1p(math.exp(-0.75))])
    assert loss.decision_threshold == 1.5
    each.sum().backward()
    assert loss.threshold is not None
    assert loss.threshold.grad is not None
    gradient = 1 / (1 + math.exp(0.25)) - 1 / (1 + math.exp(0.75))
    assert loss.threshold.grad.item() == pytest.approx(gradient)


def test_without_one_nothing_is_learned_and_zero_decides() -> None:
    assert not [*SelfAdaptiveThresholdLoss().parameters()]
    assert SelfAdaptiveThresholdLoss().decision_threshold == 0.0
