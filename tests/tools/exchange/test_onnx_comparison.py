import math

import numpy as np
import pytest
import torch

from data.pair_batch import ItemBatch
from engine.decision_rule import DecisionRule
from models.embedding import ItemEmbedder, ItemEmbedding
from options.errors import UserError
from tests.exported_encoder import ExportedRun
from tools.exchange.onnx_comparison import (
    BatchParity,
    effect_table,
    measure_effects,
    measure_parity,
    parity_table,
    refuse_difference,
)

pytestmark = pytest.mark.xdist_group("exported_run")  # which takes long to make


class Fixed(ItemEmbedder):
    """Gives an item the embedding of its row."""

    threshold_width = 1  # type: ignore[assignment]
    match_width = 1  # type: ignore[assignment]

    def __init__(self, match: torch.Tensor) -> None:
        super().__init__()
        self.numbers = match

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        return ItemEmbedding(torch.full((len(items.item), 1), 0.5), self.numbers[items.item, None])


def test_figures_are_those_of_the_pairs_decided_one_by_one(exported_run: ExportedRun) -> None:
    split = exported_run.source.split
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn((2, len(split.catalog)), generator=generator)
    effects = measure_effects({"a": Fixed(first), "b": Fixed(second)}, split, DecisionRule(0.1), 30, batch_size=7)
    assert split.pairs.same is not None
    pairs = list(zip(split.pairs.source[:30], split.pairs.target[:30], strict=True))
    for effect, numbers in zip(effects, (first, second), strict=True):
        positive = [float(numbers[source] * numbers[target]) - 0.25 > 0.1 for source, target in pairs]
        hits = int(np.sum(np.array(positive) & split.pairs.same[:30]))
        assert effect.evaluation.f1 == pytest.approx(2 * hits / (sum(positive) + split.pairs.same[:30].sum()))
        assert effect.evaluation.num_pairs == 30
    margins = [[float(n[source] * n[target]) - 0.25 for source, target in pairs] for n in (first, second)]
    assert effects[1].largest_difference == pytest.approx(np.abs(np.subtract(*margins)).max(), rel=1e-5)
    assert effects[1].num_changed == sum((a > 0.1) != (b > 0.1) for a, b in zip(*margins, strict=True))
    ratio = effects[1].items_per_second / effects[0].items_per_second
    assert effect_table(effects).splitlines()[3].split()[-1] == f"{ratio:.2f}"


def test_equal_is_what_differs_by_rounding() -> None:
    assert BatchParity(1, 9, 2.0, 1.9e-4).is_equal
    assert not BatchParity(1, 9, 2.0, 2.1e-4).is_equal
    assert not BatchParity(1, 9, 2.0, math.nan).is_equal
    assert BatchParity(1, 9, 2.0, 0.9, rounding=0.1).is_equal
    assert not BatchParity(1, 9, 2.0, 1.1, rounding=0.1).is_equal
    assert not BatchParity(1, 9, 2.0, 1.1, rounding=math.nan).is_equal
    assert not BatchParity(1, 9, math.nan, math.nan).is_equal


class Magnified(ItemEmbedder):
    """Gives items nothing but what rounding makes of two ways to the same mean, as a head may of items all alike."""

    threshold_width = 0  # type: ignore[assignment]
    match_width = 1  # type: ignore[assignment]

    def __init__(self, order: int, offset: float = 0.0) -> None:
        super().__init__()
        self.order, self.offset = order, offset

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        numbers = items.images.flatten(1)[:, :500]
        total = torch.zeros_like(numbers[:, 0])
        for column in (numbers if self.order > 0 else numbers.flip(1)).unbind(1):
            total = total + column  # one after the other, in the precision of the images
        ways = total / numbers.shape[1] - numbers.double().mean(dim=1)
        match = 1e6 * ways[:, None].to(numbers.dtype) + self.offset
        return ItemEmbedding(match[:, :0], match)


def test_what_rounding_alone_makes_of_items_is_equal_and_more_than_that_is_not(exported_run: ExportedRun) -> None:
    items = exported_run.source.split.items
    batches = measure_parity(Magnified(1), Magnified(-1), items)  # type: ignore[arg-type]
    assert max(batch.largest_difference / batch.largest_number for batch in batches) > 1e-4
    refuse_difference(batches)
    with pytest.raises(UserError, match="differs from PyTorch's"):
        refuse_difference(measure_parity(Magnified(1), Magnified(-1, offset=20.0), items))  # type: ignore[arg-type]


def test_every_batch_that_differs_is_named() -> None:
    refuse_difference([BatchParity(1, 9, 2.0, 1e-6)])
    with pytest.raises(UserError, match="in batches of 2, 5 items"):
        refuse_difference([BatchParity(1, 9, 1.0, 0.0), BatchParity(2, 9, 1.0, 1.0), BatchParity(5, 9, 1.0, 1.0)])


def test_the_table_has_a_line_a_batch() -> None:
    table = parity_table([BatchParity(1, 9, 2.0, 1e-6), BatchParity(32, 21, 2.5, 0.5)]).splitlines()
    assert [line.split() for line in table[2:]] == [
        ["1", "9", "2.0000", "1.00e-06", "yes"],
        ["32", "21", "2.5000", "5.00e-01", "no"],
    ]
