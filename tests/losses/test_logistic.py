import math

import pytest
import torch
from torch.nn import functional

from losses.logistic import LogisticLoss
from models.embedding import PairScore


def reference(margin: float, same: bool, threshold: float = 0.0, log_scale: float = 0.0) -> float:
    logit = math.exp(log_scale) * (margin - threshold)
    return math.log1p(math.exp(-logit if same else logit))


def test_loss_and_gradients_are_those_of_cross_entropy_over_the_two_logits() -> None:
    torch.manual_seed(0)
    match, threshold = (torch.randn(64) * 5).requires_grad_(), (torch.randn(64) * 5).requires_grad_()
    same = torch.rand(64) < 0.5
    expected = functional.cross_entropy(torch.stack([threshold, match], dim=1), same.long(), reduction="none")
    expected_gradients = torch.autograd.grad(expected.sum(), [match, threshold])

    loss = LogisticLoss()(PairScore(match, threshold), same)
    gradients = torch.autograd.grad(loss.sum(), [match, threshold])

    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradients, expected_gradients)


def test_loss_agrees_with_float64_logarithms_of_the_margin() -> None:
    margins = [-30.0, -20.5, -3.0, -1e-4, 0.0, 1e-4, 3.0, 19.5, 20.5, 30.0]

    for same in (True, False):
        loss = LogisticLoss()(PairScore(torch.tensor(margins), torch.zeros(len(margins))), torch.tensor(same))
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

    loss = LogisticLoss()(PairScore(match, torch.zeros(1)), torch.tensor([same]))
    loss.sum().backward()

    assert loss.item() == pytest.approx(expected)
    assert match.grad is not None
    assert match.grad.item() == pytest.approx(expected_gradient)


def test_one_label_broadcasts_over_a_matrix_of_pairs() -> None:
    score = PairScore(torch.randn(3, 4), torch.randn(3, 4))

    loss = LogisticLoss()(score, torch.tensor(False))

    assert loss.shape == (3, 4)
    torch.testing.assert_close(loss, LogisticLoss()(score, torch.zeros(3, 4, dtype=torch.bool)))


def test_loss_of_half_precision_scores_is_float32() -> None:
    score = PairScore(torch.ones(2, dtype=torch.bfloat16), torch.zeros(2, dtype=torch.bfloat16))

    assert LogisticLoss()(score, torch.tensor([True, False])).dtype == torch.float32


def test_a_pair_is_the_same_above_its_own_threshold() -> None:
    loss = LogisticLoss()

    assert loss.decision_threshold == 0.0
    assert not list(loss.parameters())


def test_a_learned_threshold_is_taken_off_the_margin_and_decides() -> None:
    loss = LogisticLoss(1.5)
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


def test_loss_agrees_with_float64_logarithms_with_a_scale() -> None:
    torch.manual_seed(0)
    match = torch.rand(50) * 2 - 1
    same = torch.rand(50) < 0.5

    loss = LogisticLoss(threshold=0.5, scale=10.0)(PairScore(match, torch.zeros(50)), same)

    expected = [
        reference(cosine, label, 0.5, math.log(10.0))
        for cosine, label in zip(match.tolist(), same.tolist(), strict=True)
    ]
    assert loss.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("cosine", [-0.9, 0.3, 0.5, 0.55, 1.0])
def test_gradients_agree_with_float64_differences_with_a_scale(cosine: float, same: bool) -> None:
    loss = LogisticLoss(threshold=0.5, scale=8.0)
    match = torch.tensor([cosine], requires_grad=True)
    point = (cosine, 0.5, math.log(8.0))
    step = 1e-6

    loss(PairScore(match, torch.zeros(1)), torch.tensor([same])).sum().backward()

    for position, variable in enumerate((match, loss.threshold, loss.log_scale)):
        ahead, behind = ([*point], [*point])
        ahead[position] += step
        behind[position] -= step
        slope = (reference(ahead[0], same, ahead[1], ahead[2]) - reference(behind[0], same, behind[1], behind[2])) / (
            2 * step
        )
        assert variable.grad is not None
        assert variable.grad.item() == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_the_margin_counts_where_there_is_a_threshold_branch() -> None:
    loss = LogisticLoss(threshold=0.5, scale=10.0)
    same = torch.tensor([True, False])

    torch.testing.assert_close(
        loss(PairScore(torch.tensor([0.9, 0.9]), torch.tensor([0.25, 0.5])), same),
        loss(PairScore(torch.tensor([0.65, 0.4]), torch.zeros(2)), same),
    )


@pytest.mark.parametrize(("margin", "same"), [(1e4, True), (1e4, False), (-1e4, True), (-1e4, False)])
def test_loss_and_gradients_stay_finite_far_away(margin: float, same: bool) -> None:
    loss = LogisticLoss(threshold=0.5, scale=10.0)
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
    loss = LogisticLoss(threshold=0.25, scale=10.0)

    assert {name: value.shape for name, value in loss.named_parameters()} == {
        "log_scale": torch.Size([]),
        "threshold": torch.Size([]),
    }
    assert loss.log_scale.exp().item() == pytest.approx(10.0)
    assert loss.decision_threshold == 0.25


def test_the_decision_threshold_follows_training() -> None:
    loss = LogisticLoss(threshold=0.5, scale=10.0)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.02)
    match, same = torch.tensor([0.9, 0.7, 0.8, 0.6]), torch.tensor([True, False, True, False])

    for _ in range(200):
        optimizer.zero_grad()
        loss(PairScore(match, torch.zeros(4)), same).mean().backward()
        optimizer.step()

    assert 0.7 < loss.decision_threshold < 0.8


def test_loss_agrees_with_float64_logarithms_with_one_threshold() -> None:
    torch.manual_seed(0)
    match = torch.randn(50) * 4
    same = torch.rand(50) < 0.5

    loss = LogisticLoss(threshold=1.5)(PairScore(match, torch.zeros(50)), same)

    expected = [reference(score, label, 1.5) for score, label in zip(match.tolist(), same.tolist(), strict=True)]
    assert loss.tolist() == pytest.approx(expected, rel=1e-5)


def test_it_is_the_self_adaptive_loss_of_pairs_that_all_have_one_threshold() -> None:
    torch.manual_seed(0)
    match, same = torch.randn(20) * 4, torch.rand(20) < 0.5

    torch.testing.assert_close(
        LogisticLoss(0.75)(PairScore(match, torch.zeros(20)), same),
        LogisticLoss()(PairScore(match, torch.full((20,), 0.75)), same),
    )


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("score", [-6.0, 0.3, 0.5, 7.0])
def test_gradients_agree_with_float64_differences_with_one_threshold(score: float, same: bool) -> None:
    loss = LogisticLoss(threshold=0.5)
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
    loss = LogisticLoss(threshold=0.5)

    value = loss(PairScore(torch.tensor([match]), torch.zeros(1)), torch.tensor([same]))
    value.sum().backward()

    right = (match > 0) == same
    assert value.item() == pytest.approx(0.0 if right else abs(match - 0.5))
    assert loss.threshold.grad is not None
    assert abs(loss.threshold.grad.item()) == (0.0 if right else 1.0)


def test_the_decision_threshold_starts_as_given_and_follows_training() -> None:
    loss = LogisticLoss(threshold=0.0)
    assert loss.decision_threshold == 0.0
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    match, same = torch.tensor([4.0, 2.0, 3.0, 1.0]), torch.tensor([True, False, True, False])

    for _ in range(300):
        optimizer.zero_grad()
        loss(PairScore(match, torch.zeros(4)), same).mean().backward()
        optimizer.step()

    assert 2.0 < loss.decision_threshold < 3.0
