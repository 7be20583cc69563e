import random

import pytest
import torch

from data.pair_batch import ItemBatch
from models.attribute_agreement import AttributeAgreement
from models.embedding import pair_score

NOT_STATED = -1


def build(num_attributes: int, num_codes: int) -> AttributeAgreement:
    agreement = AttributeAgreement(num_attributes, num_codes, weight=4.0)
    with torch.no_grad():
        agreement.log_agreement += torch.linspace(-1, 1, num_attributes)
        agreement.log_conflict += torch.linspace(1, -1, num_attributes)
    return agreement


def with_attributes(items: ItemBatch, digests: list[list[int]]) -> ItemBatch:
    return items._replace(attributes=torch.tensor(digests))


def brute_force(agreement: AttributeAgreement, one: list[int], other: list[int]) -> float:
    """Attribute by attribute, of digests that are told apart modulo the number of codes."""
    margin = 0.0
    for number, (x, y) in enumerate(zip(one, other, strict=True)):
        if NOT_STATED not in (x, y):
            margin -= float(agreement.log_conflict[number].exp())
            if x % agreement.num_codes == y % agreement.num_codes:
                margin += float(agreement.log_agreement[number].exp())
    return margin


@torch.no_grad()
def test_margins_count_what_both_state_and_what_is_equal(items: ItemBatch) -> None:
    draw = random.Random(0)
    digests = [[draw.choice([NOT_STATED, 3, 10, 2**32 - 1]) for _ in range(3)] for _ in range(40)]
    agreement = build(3, 7)
    embedding = agreement(with_attributes(items, digests))
    assert embedding.threshold.shape == (40, agreement.threshold_width)
    assert embedding.match.shape == (40, agreement.match_width)
    source, target = torch.cartesian_prod(torch.arange(40), torch.arange(40)).T
    margin = pair_score(embedding.rows(source), embedding.rows(target)).margin
    for place, (one, other) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        assert float(margin[place]) == pytest.approx(brute_force(agreement, digests[one], digests[other]), abs=1e-4)


@torch.no_grad()
def test_equal_values_cost_nothing_at_first_and_other_ones_the_weight(items: ItemBatch) -> None:
    embedding = AttributeAgreement(1, 32, weight=4.0)(with_attributes(items, [[5], [5], [6], [NOT_STATED]]))
    first = embedding.rows(torch.tensor([0, 0, 0]))
    margin = pair_score(first, embedding.rows(torch.tensor([1, 2, 3]))).margin
    torch.testing.assert_close(margin, torch.tensor([0.0, -4.0, 0.0]))


def test_weights_of_attributes_that_pairs_state_get_gradients(items: ItemBatch) -> None:
    agreement = build(2, 8)
    embedding = agreement(with_attributes(items, [[1, 4], [1, NOT_STATED]]))
    pair_score(embedding.rows(torch.tensor([0])), embedding.rows(torch.tensor([1]))).margin.sum().backward()
    for parameter in agreement.parameters():
        assert parameter.grad is not None
        assert parameter.grad[0] != 0
        assert parameter.grad[1] == 0
