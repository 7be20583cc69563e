import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor
from torch.nn import functional

from losses.contrastive import ContrastiveLoss
from losses.logistic import LogisticLoss
from losses.options import LossOptions
from losses.pair_loss import PairLoss, in_batch_negative_loss
from models.embedding import ItemEmbedding, PairScore, pair_score

NAMES = ["self_adaptive_threshold", "fixed_threshold", "learned_threshold", "contrastive"]
LOSSES = [LogisticLoss(), LogisticLoss(0.5, 10.0), LogisticLoss(0.5), ContrastiveLoss(1.5)]


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


def random_items(num_items: int, threshold_width: int = 6) -> ItemEmbedding:
    return ItemEmbedding(
        threshold=functional.normalize(torch.randn(num_items, threshold_width)).requires_grad_(),
        match=functional.normalize(torch.randn(num_items, 6)).requires_grad_(),
    )


def slow_mean(loss: PairLoss, items: ItemEmbedding, item: list[int], group: list[int]) -> Tensor:
    """The mean over a double loop, one pair at a time."""
    losses = []
    for i in range(len(item)):
        for j in range(i + 1, len(item)):
            if item[i] in item[:i] or item[j] in item[:j] or group[i] == group[j]:
                continue
            score = pair_score(items.rows(torch.tensor([i])), items.rows(torch.tensor([j])))
            losses.append(loss(score, torch.tensor([False])))
    return torch.cat(losses).mean()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("threshold_width", [6, 0])
@pytest.mark.parametrize(
    ("item", "group"),
    [
        ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
        ([0, 1, 2, 3, 4, 5, 6], [0, 0, 2, 3, 3, 3, 6]),
        ([7, 8, 7, 9, 8, 7, 10], [0, 1, 0, 1, 1, 0, 2]),
    ],
    ids=["all different", "groups", "repeated items"],
)
def test_mean_and_gradients_agree_with_a_double_loop(
    loss: PairLoss, threshold_width: int, item: list[int], group: list[int]
) -> None:
    torch.manual_seed(0)
    items = random_items(len(item), threshold_width)
    variables = [*items, *loss.parameters()]
    expected = slow_mean(loss, items, item, group)
    expected_gradients = torch.autograd.grad(expected, variables, allow_unused=True)

    mean = in_batch_negative_loss(loss, items, torch.tensor(item), torch.tensor(group))
    gradients = torch.autograd.grad(mean, variables, allow_unused=True)

    assert mean.shape == ()
    torch.testing.assert_close(mean, expected)
    torch.testing.assert_close(gradients, expected_gradients, rtol=1e-4, atol=1e-6)


def test_further_rows_of_an_item_change_nothing() -> None:
    torch.manual_seed(0)
    items = random_items(4)
    repeated = items.rows(torch.tensor([0, 1, 2, 3, 1, 0]))
    item, group = torch.tensor([10, 11, 12, 13]), torch.tensor([1, 2, 3, 3])
    again = torch.tensor([0, 1, 2, 3, 1, 0])

    torch.testing.assert_close(
        in_batch_negative_loss(LOSSES[0], repeated, item[again], group[again]),
        in_batch_negative_loss(LOSSES[0], items, item, group),
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("item", "group"),
    [([0, 1, 2], [5, 5, 5]), ([3, 3], [3, 3]), ([0], [0]), ([], [])],
    ids=["one group", "one item twice", "one item", "no item"],
)
def test_without_any_pair_the_mean_is_zero_and_has_a_gradient_of_zeros(
    loss: PairLoss, item: list[int], group: list[int]
) -> None:
    items = random_items(len(item))

    mean = in_batch_negative_loss(
        loss, items, torch.tensor(item, dtype=torch.int64), torch.tensor(group, dtype=torch.int64)
    )
    gradients = torch.autograd.grad(mean, [*items, *loss.parameters()])

    assert mean.item() == 0.0
    assert all(bool((gradient == 0).all()) for gradient in gradients)


def test_the_loss_of_half_precision_embeddings_is_float32() -> None:
    items = ItemEmbedding(torch.randn(3, 4).bfloat16(), torch.randn(3, 4).bfloat16())

    mean = in_batch_negative_loss(LOSSES[0], items, torch.arange(3), torch.arange(3))

    assert mean.dtype == torch.float32
