"""Reports of invented items and scores, made without a model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.item import Item
from data.item_catalog import ItemCatalog
from engine.pair_scores import ValidationScores
from tools.views.reporting.report_data import ReportData, RunRecord

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&<!--"


@dataclass(frozen=True, slots=True)
class PlainImages:
    """A picture of one colour for every item."""

    path: Path = Path("images")

    def read(self, name: str, size: int) -> NDArray[np.uint8]:
        return np.full((size, size, 3), len(name) * 40 % 256, np.uint8)

    def newest(self, names: object) -> int:
        return 0


def invented_item(row: int, title: str | None = None) -> Item:
    return Item(
        item_id=f"item-{row}",
        title=f"花瓶 北欧风 客厅摆件 大号 {row}号" if title is None else title,
        attributes={"品牌": (f"木岚{row % 7}",), "型号": (f"xk-{row % 90}",), "颜色分类": ("红", "蓝")},
        category=f"类目{row % 40}",
        image=f"{row}.jpg",
    )


def invented_report(
    num_items: int = 30,
    num_pairs: int = 80,
    item: Callable[[int], Item] = invented_item,
    name: str = "invented",
    kinds: tuple[str, ...] | None = None,
) -> ReportData:
    """Return a report of pairs, about 40 % of them same, whose margins tell most of them."""
    rng = np.random.default_rng(0)
    same = rng.random(num_pairs) < 0.4
    threshold = rng.normal(9, 0.5, num_pairs)
    match = threshold + rng.normal(0, 1, num_pairs) + np.where(same, 1.5, -1.5)
    source = rng.integers(0, num_items, num_pairs)
    items = [item(row) for row in range(num_items)]
    pairs = ValidationScores(
        source=source,
        target=(source + rng.integers(1, num_items, num_pairs)) % num_items,
        same=same,
        match=match,
        threshold=threshold,
        item_ids=tuple(own.item_id for own in items),
        categories=tuple(own.category for own in items),
    )
    steps = np.arange(10.0, 210.0, 10.0)
    course = {
        "loss": np.stack([steps, 10 / steps], axis=1),
        "best_possible_f1": np.stack([steps, steps / 250], axis=1)[4::5],
    }
    run = RunRecord(name, "step_00000200", "name: invented\n", {"python": "3.11"}, "train.py options.yml\n", course)
    return ReportData(
        run=run,
        split="val",
        catalog=ItemCatalog(items),
        images=PlainImages(),
        pairs=pairs,
        calibrated_threshold=0.25,
        own_threshold=0.0,
        kinds=kinds,
    )
