import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from losses.supervised_contrast import supervised_contrast

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=7)


def slow(margin: list[list[float]], item: list[int], group: list[int], temperature: float) -> float:
    """Equation 2 of Khosla et al. in plain Python; of the rows of an item only the first counts."""
    rows = [row for row in range(len(item)) if item.index(item[row]) == row]
    losses = []
    for anchor in rows:
        others = [row for row in rows if row != anchor]
        positives = [row for row in others if group[row] == group[anchor]]
        if positives:
            total = sum(math.exp(margin[anchor][row] / temperature) for row in others)
            shares = [math.log(math.exp(margin[anchor][row] / temperature) / total) for row in positives]
            losses.append(-sum(shares) / len(positives))
    return sum(losses) / len(losses) if losses else 0.0


@given(ROWS, st.integers(0, 10**6), st.sampled_from([0.1, 0.5, 2.0]))
def test_the_loss_is_that_of_the_paper_of_each_item_once(
    rows: list[tuple[int, int]], seed: int, temperature: float
) -> None:
    item = [number for number, _ in rows]
    group = [(number * 7 + label) % 3 if item.index(number) == row else 0 for row, (number, label) in enumerate(rows)]
    group = [group[item.index(number)] for number in item]
    margin = torch.randn(len(item), len(item), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = supervised_contrast(margin.float(), torch.tensor(item), torch.tensor(group), temperature)
    assert found.item() == pytest.approx(slow(margin.tolist(), item, group, temperature), abs=1e-4, rel=1e-4)


@pytest.mark.parametrize("group", [[0, 1, 2], [0]])
def test_a_batch_without_two_items_of_a_product_costs_nothing_and_has_a_gradient(group: list[int]) -> None:
    margin = torch.ones(len(group), len(group), requires_grad=True)
    supervised_contrast(margin, torch.arange(len(group)), torch.tensor(group), 0.07).backward()
    assert margin.grad is not None
    assert margin.grad.abs().sum() == 0
