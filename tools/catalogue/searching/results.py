"""What a search found, with verdicts, as a table and as lines of JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.decision_rule import DecisionRule
from engine.validation_scores import pair_category
from options.printable import shortened
from options.table import aligned_rows
from tools.catalogue.index_folder import CatalogueIndex
from tools.catalogue.search_backend import Neighbour


class FoundItem(NamedTuple):
    """An item that a query found."""

    query: str
    """An item's id, or empty for one that is not in the catalogue."""
    rank: int
    """From 1."""
    item_id: str
    category: str
    margin: float
    threshold: float
    """That the margin has to exceed."""
    same: bool
    """Whether it does: the identical product."""


def judged(
    index: CatalogueIndex, rule: DecisionRule, query: str, category: str, found: Iterable[Neighbour]
) -> list[FoundItem]:
    """Return what a query of a category found, the highest margin first."""
    items = []
    for rank, neighbour in enumerate(found, start=1):
        own = index.items[index.rows[neighbour.item_id]].category
        threshold = float(rule.thresholds_of([pair_category(category, own)])[0])
        items.append(
            FoundItem(query, rank, neighbour.item_id, own, neighbour.margin, threshold, neighbour.margin > threshold)
        )
    return items


def found_table(found: Iterable[FoundItem]) -> str:
    """Return a line for each item."""
    rows = [("query", "rank", "item", "category", "margin", "threshold", "verdict")]
    rows += [
        (
            shortened(item.query, 40),
            str(item.rank),
            shortened(item.item_id, 40),
            shortened(item.category, 20),
            f"{item.margin:.4f}",
            f"{item.threshold:.4f}",
            "same" if item.same else "different",
        )
        for item in found
    ]
    return aligned_rows(rows, left=(0, 2, 3, 6), ruled=True)


def found_lines(found: Iterable[FoundItem]) -> Iterator[str]:
    """Yield a line of JSON for each item."""
    return (json.dumps(item._asdict(), ensure_ascii=False) for item in found)
