import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from losses.contrastive import ContrastiveLoss
from models.embedding import PairScore


def reference(cosine: float, same: bool, margin: float) -> float:
    distance = math.sqrt(2 - 2 * cosine)
    return distance**2 if same else max(0.0, margin - distance) ** 2


def loss_of(cosines: Tensor, same: Tensor, margin: float) -> Tensor:
    return ContrastiveLoss(margin)(PairScore(cosines, torch.zeros_like(cosines)), same)


@pytest.mark.parametrize("margin", [0.5, 1.0, 2.0])
def test_loss_agrees_with_float64_distances(margin: float) -> None:
    torch.manual_seed(0)
    cosines = torch.rand(50) * 2 - 1
    same = torch.rand(50) < 0.5

    expected = [reference(cosine, label, margin) for cosine, label in zip(cosines.tolist(), same.tolist(), strict=True)]
    assert loss_of(cosines, same, margin).tolist() == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_loss_is_that_of_the_distance_between_the_embeddings() -> None:
    torch.manual_seed(0)
    source, target = F.normalize(torch.randn(20, 8)), F.normalize(torch.randn(20, 8))
    distance = (source - target).norm(dim=1)
    cosines = (source * target).sum(dim=1)

    torch.testing.assert_close(loss_of(cosines, torch.tensor(True), 1.5), distance**2)
    torch.testing.assert_close(loss_of(cosines, torch.tensor(False), 1.5), (1.5 - distance).clamp(min=0) ** 2)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("cosine", [-0.9, 0.0, 0.49, 0.51, 0.9, 0.999])
def test_gradient_agrees_with_float64_differences(cosine: float, same: bool) -> None:
    cosines = torch.tensor([cosine], requires_grad=True)
    step = 1e-6

    loss_of(cosines, torch.tensor([same]), 1.0).sum().backward()

    slope = (reference(cosine + step, same, 1.0) - reference(cosine - step, same, 1.0)) / (2 * step)
    assert cosines.grad is not None
    assert cosines.grad.item() == pytest.approx(slope, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("cosine", [1.0, 1.0 + 2**-22])
def test_equal_embeddings_have_distance_zero_and_a_finite_gradient(cosine: float) -> None:
    cosines = torch.tensor([cosine, cosine], requires_grad=True)

    loss = loss_of(cosines, torch.tensor([True, False]), 1.0)
    loss.sum().backward()

    assert loss.tolist() == [0.0, 1.0]
    assert cosines.grad is not None
    assert cosines.grad[0].item() == (-2.0 if cosine == 1.0 else 0.0)
    assert cosines.grad[1].item() == 0.0


@pytest.mark.parametrize(("margin", "same"), [(1e4, True), (1e4, False), (-1e4, True), (-1e4, False)])
def test_loss_and_gradient_stay_finite_far_away(margin: float, same: bool) -> None:
    cosines = torch.tensor([margin], requires_grad=True)

    loss = loss_of(cosines, torch.tensor([same]), 1.0)
    loss.sum().backward()

    assert cosines.grad is not None
    assert torch.isfinite(loss).all()
    assert torch.isfinite(cosines.grad).all()


@pytest.mark.parametrize("margin", [0.5, 1.0, 2.0])
def test_at_the_decision_threshold_both_sides_of_the_loss_are_equal(margin: float) -> None:
    threshold = ContrastiveLoss(margin).decision_threshold

    assert math.sqrt(2 - 2 * threshold) == pytest.approx(margin / 2)
    assert reference(threshold, True, margin) == pytest.approx(reference(threshold, False, margin))


def test_one_label_broadcasts_and_the_loss_is_float32() -> None:
    score = PairScore(torch.ones(3, 4, dtype=torch.bfloat16), torch.zeros(3, 4, dtype=torch.bfloat16))

    loss = ContrastiveLoss(1.0)(score, torch.tensor(False))

    assert loss.shape == (3, 4)
    assert loss.dtype == torch.float32
