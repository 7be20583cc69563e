"""The groups of identical items of a catalogue, from its pairs.

Letters of shapes: B pairs.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.jsonl import DataError, id_field, read_records
from engine.decision_rule import DecisionRule
from engine.disk import whole_file
from engine.validation_scores import pair_category
from metrics.identical_groups import GroupAgreement, IdenticalGroup, group_agreement, group_numbers, identical_groups
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.duplicates.pair_search import FoundPairs
from tools.catalogue.index_folder import CatalogueIndex


@dataclass(frozen=True, slots=True)
class CatalogueGroups:
    """What was found in an index."""

    index: CatalogueIndex
    pairs: FoundPairs
    """That are decided the same."""
    groups: list[IdenticalGroup]
    """Of rows of the index."""
    numbers: NDArray[np.int64]
    """Of the group of each row; those of rows in no group occur once."""

    @property
    def num_grouped(self) -> int:
        """Items in groups."""
        return sum(len(group.members) for group in self.groups)

    @property
    def is_inside(self) -> NDArray[np.bool_]:
        """Whether both items of a pair are in one group: (B,); the others are where chains were cut."""
        inside: NDArray[np.bool_] = self.numbers[self.pairs.source] == self.numbers[self.pairs.target]
        return inside

    def medoid_margins(self) -> dict[int, float]:
        """Return the margin of each grouped item with the medoid of its group, by row, the medoids themselves apart."""
        medoids = {group.medoid for group in self.groups}
        inside = self.is_inside
        columns = (self.pairs.source[inside], self.pairs.target[inside], self.pairs.margin[inside])
        margins = {}
        for source, target, margin in zip(*(column.tolist() for column in columns), strict=True):
            for medoid, other in ((source, target), (target, source)):
                if medoid in medoids:
                    margins[other] = margin
        return margins


def lowest_threshold(rule: DecisionRule) -> float:
    """Return the bound that the margins of all pairs of the same product exceed."""
    return min([rule.threshold, *rule.categories.values()])


def group_catalogue(
    index: CatalogueIndex, found: FoundPairs, rule: DecisionRule, within_categories: bool
) -> CatalogueGroups:
    """Decide on the pairs and group what they join; `within_categories` leaves out those of two categories."""
    names = [item.category for item in index.items]
    categories = [
        pair_category(names[source], names[target])
        for source, target in zip(found.source.tolist(), found.target.tolist(), strict=True)
    ]
    same = found.margin > rule.thresholds_of(categories)
    if within_categories:
        same &= np.array([category is not None for category in categories], np.bool_)
    pairs = found._replace(source=found.source[same], target=found.target[same], margin=found.margin[same])
    groups = identical_groups(pairs.source, pairs.target, pairs.margin)
    return CatalogueGroups(index, pairs, groups, group_numbers(groups, len(index.items)))


def write_groups(found: CatalogueGroups, file: Path) -> None:
    """Write a line for each group: its number, its medoid and its items."""
    items = found.index.items
    with whole_file(file) as stream:
        for number, group in enumerate(found.groups):
            line = {
                "group": number,
                "medoid": items[group.medoid].item_id,
                "items": [items[row].item_id for row in group.members],
            }
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def write_pairs(found: CatalogueGroups, file: Path) -> None:
    """Write a line for each pair that is decided the same; its group is null where the two are in different ones."""
    with whole_file(file) as stream:
        stream.writelines(_pair_lines(found))


def _pair_lines(found: CatalogueGroups) -> Iterator[str]:
    items, pairs = found.index.items, found.pairs
    columns = (pairs.source.tolist(), pairs.target.tolist(), pairs.margin.tolist(), found.is_inside.tolist())
    for source, target, margin, inside in zip(*columns, strict=True):
        line = {
            "src_item_id": items[source].item_id,
            "tgt_item_id": items[target].item_id,
            "margin": margin,
            "group": int(found.numbers[source]) if inside else None,
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"


def agreement_with_truth(found: CatalogueGroups, file: Path) -> GroupAgreement:
    """Compare the groups with a file of the true products: a line for each item, with item_id and product.

    Items of equal products, whatever JSON they are, are identical. Raises UserError for an item that the file lacks,
    for a line without a product, and for a second line of an item.
    """
    product_of = _true_products(file)
    rows = [row for row, item in enumerate(found.index.items) if item.row is not None]
    ids = [found.index.items[row].item_id for row in rows]
    if missing := [item_id for item_id in ids if item_id not in product_of]:
        raise UserError(
            f"{file}: has no line for item {quoted(missing[0])} of the index, nor for {len(missing) - 1:,} others"
        )
    truth = np.unique([product_of[item_id] for item_id in ids], return_inverse=True)[1]
    return group_agreement(found.numbers[rows], truth.astype(np.int64))


def _true_products(file: Path) -> dict[str, str]:
    products: dict[str, str] = {}
    for number, record in read_records(file):
        item_id = id_field(file, number, record, "item_id")
        if record.get("product") is None:
            raise DataError(file, number, "has no 'product'")
        if item_id in products:
            raise DataError(file, number, f"is a second line of item {quoted(item_id)}; keep one of them")
        products[item_id] = json.dumps(record["product"], sort_keys=True)
    return products
