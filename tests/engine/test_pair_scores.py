import numpy as np
import pytest
import torch

from data.item_pair import PairTable
from engine import pair_scores
from engine.encode import EncodedItems
from engine.pair_scores import score_pairs
from options.errors import UserError


def encoded(num_items: int, width: int, scale: float = 1.0) -> EncodedItems:
    packed = torch.randn(num_items, width, generator=torch.Generator().manual_seed(0)) * scale
    return EncodedItems(packed, torch.zeros(num_items, dtype=torch.bool))


def pairs(num_pairs: int, num_items: int) -> PairTable:
    rng = np.random.default_rng(1)
    return PairTable(rng.integers(0, num_items, num_pairs), rng.integers(0, num_items, num_pairs), None)


@pytest.mark.parametrize("threshold_width", [0, 5])
@pytest.mark.parametrize("at_once", [1, 7, 20, 64])
def test_margins_are_those_of_a_loop_over_floats(
    monkeypatch: pytest.MonkeyPatch, threshold_width: int, at_once: int
) -> None:
    monkeypatch.setattr(pair_scores, "PAIRS_AT_ONCE", at_once)
    items, table = encoded(9, 10, scale=50.0), pairs(20, 9)
    rows = items.packed.tolist()
    expected = []
    for source, target in zip(table.source.tolist(), table.target.tolist(), strict=True):
        products = [x * y for x, y in zip(rows[source], rows[target], strict=True)]
        expected.append(sum(products[threshold_width:]) - sum(products[:threshold_width]))
    scores = score_pairs(items, table, threshold_width)
    margins = scores.margin
    assert np.array_equal(margins, scores.match - scores.threshold)
    assert margins.dtype == np.float64
    assert margins.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_embeddings_that_are_not_finite_are_a_fault_to_mend(number: float) -> None:
    items = encoded(9, 4)
    items.packed[[2, 5], 1] = number
    with pytest.raises(UserError, match=r"embeddings of 2 of 9 items are not finite .* lower train\.optimizer\.lr"):
        score_pairs(items, pairs(3, 9), 2)
