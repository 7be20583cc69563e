import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from losses.options import LossOptions
from losses.pair_loss import PairLoss
from models.embedding import PairScore

NAMES = ["self_adaptive_threshold", "fixed_threshold", "learned_threshold", "contrastive"]


def build(name: str) -> PairLoss:
    options: LossOptions = TypeAdapter(LossOptions).validate_python({"name": name})
    return options.build()


def scores(margins: Tensor) -> PairScore:
    return PairScore(match=margins, threshold=torch.zeros_like(margins))


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_tells_its_threshold_and_the_float32_loss_of_each_pair(name: str) -> None:
    loss = build(name)
    assert isinstance(loss, PairLoss)
    assert isinstance(loss.decision_threshold, float)
    each = loss(scores(torch.linspace(-1, 1, 12).reshape(3, 4).bfloat16()), torch.tensor(True))
    assert each.shape == (3, 4)
    assert each.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_costs_both_labels_the_same_at_its_decision_threshold(name: str) -> None:
    loss = build(name)
    margin = scores(torch.tensor([loss.decision_threshold]))
    same, different = loss(margin, torch.tensor([True])), loss(margin, torch.tensor([False]))
    assert same.item() == pytest.approx(different.item(), rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_larger_margin_never_costs_the_same_product_more_nor_different_ones_less(name: str) -> None:
    loss, margins = build(name), scores(torch.linspace(-1, 1, 41))
    assert (loss(margins, torch.tensor(True)).diff() <= 0).all()
    assert (loss(margins, torch.tensor(False)).diff() >= 0).all()
