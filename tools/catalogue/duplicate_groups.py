"""The groups of identical items of a catalogue, from its pairs.

Letters of shapes: B pairs.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.compared_text import compared
from data.jsonl import DataError, id_field, read_records
from engine.decision_rule import DecisionRule
from engine.disk import write_json, write_lines
from engine.pair_scores import pair_category
from metrics.identical_groups import GroupAgreement, IdenticalGroup, group_agreement, group_numbers, identical_groups
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.duplicate_pairs import FoundPairs, find_pairs
from tools.catalogue.equal_content import first_of_equal
from tools.catalogue.index_folder import CatalogueIndex
from tools.catalogue.search_backend import query_numbers


@dataclass(frozen=True, slots=True)
class CatalogueGroups:
    """What was found in an index of N rows."""

    index: CatalogueIndex
    pairs: FoundPairs
    """That are decided the same, or are listings of equal content."""
    groups: list[IdenticalGroup]
    """Of rows of the index."""
    numbers: NDArray[np.int64]
    """Of the group of each row; those of rows in no group occur once."""
    first: NDArray[np.int64]
    """(N,) the first row of equal content"""

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
        """Return the margin of each grouped item with the medoid of its group, by row, the medoids themselves apart.

        Listings of equal content stand for each other where only one of them is in a pair.
        """
        medoids = {int(self.first[group.medoid]) for group in self.groups}
        inside = self.is_inside
        columns = (self.pairs.source[inside], self.pairs.target[inside], self.pairs.margin[inside])
        margins: dict[int, float] = {}
        of_content: dict[int, float] = {}
        for source, target, margin in zip(*(column.tolist() for column in columns), strict=True):
            for one, other in ((source, target), (target, source)):
                if self.first[one] in medoids:
                    margins[other] = margin
                    of_content[int(self.first[other])] = margin
        return {
            row: margins.get(row, of_content[int(self.first[row])])
            for group in self.groups
            for row in group.members
            if row != group.medoid
        }


def find_duplicates(
    index: CatalogueIndex, rule: DecisionRule, out: Path, within_categories: bool, truth: Path | None
) -> tuple[CatalogueGroups, dict[str, int | float]]:
    """Write groups.jsonl, pairs.jsonl and summary.json of an index; return the groups and the figures of the summary.

    What is found on the way is kept in out/found. With a file of the true products (agreement_with_truth) the figures
    say how far the groups agree with it. Raises UserError for such a file with a fault, and for a lost index.
    """
    pairs = find_pairs(index, lowest_threshold(rule), out / "found")
    found = group_catalogue(index, pairs, rule, within_categories)
    agreement = agreement_with_truth(found, truth)._asdict() if truth is not None else {}
    write_groups(found, out / "groups.jsonl")
    write_pairs(found, out / "pairs.jsonl")
    figures: dict[str, int | float] = {
        "items": len(index.rows),
        "items equal to an earlier one": int((found.first != np.arange(len(found.first))).sum()),
        "searched for now": pairs.num_searched,
        "pairs": len(found.pairs.margin),
        "pairs across groups": int((~found.is_inside).sum()),
        "groups": len(found.groups),
        "items in groups": found.num_grouped,
        "threshold": rule.threshold,
        **{f"truth {name.replace('_', ' ')}": value for name, value in agreement.items()},
    }
    write_json(out / "summary.json", {name.replace(" ", "_"): value for name, value in figures.items()})
    return found, figures


def lowest_threshold(rule: DecisionRule) -> float:
    """Return the bound that the margins of all pairs of the same product exceed."""
    return min([rule.threshold, *rule.categories.values()])


def group_catalogue(
    index: CatalogueIndex, found: FoundPairs, rule: DecisionRule, within_categories: bool
) -> CatalogueGroups:
    """Decide on the pairs and group what they join; `within_categories` leaves out those of two categories.

    Listings of equal content are in one group whatever their margin, and count as one item while groups are made.
    """
    names = [item.category for item in index.items]
    first = first_of_equal(
        item.content and item.content + (compared(item.category) if within_categories else "")
        if item.row is not None else ""
        for item in index.items
    )  # fmt: skip
    pairs = _with_equal(index, found, first)
    categories = [
        pair_category(names[source], names[target])
        for source, target in zip(pairs.source.tolist(), pairs.target.tolist(), strict=True)
    ]
    same = pairs.margin > rule.thresholds_of(categories)
    if within_categories:
        same &= np.array([category is not None for category in categories], np.bool_)
    same |= first[pairs.source] == first[pairs.target]
    pairs = pairs._replace(source=pairs.source[same], target=pairs.target[same], margin=pairs.margin[same])
    source, target = first[pairs.source], first[pairs.target]
    joined = source != target
    groups = _with_copies(identical_groups(source[joined], target[joined], pairs.margin[joined]), first)
    return CatalogueGroups(index, pairs, groups, group_numbers(groups, len(index.items)), first)


def _with_equal(index: CatalogueIndex, found: FoundPairs, first: NDArray[np.int64]) -> FoundPairs:
    """Add the pairs of listings with the first one of equal content that are not among the pairs, sorted as these."""
    copies = np.flatnonzero(first != np.arange(len(first)))
    equal = first[found.source] == first[found.target]
    known = set(zip(found.source[equal].tolist(), found.target[equal].tolist(), strict=True))
    new = [(one, other) for one, other in zip(first[copies].tolist(), copies.tolist(), strict=True)
           if (one, other) not in known]  # fmt: skip
    if not new:
        return found
    source, target = np.array(new, np.int64).T
    sides = (index.numbers.take(rows.tolist()) for rows in (source, target))
    queries, others = query_numbers(next(sides), index.record.threshold_width), next(sides)
    margin = (queries.astype(np.float64) * others.astype(np.float64)).sum(axis=1)
    columns = zip(found[:3], (source, target, margin), strict=True)
    source, target, margin = (np.concatenate(column) for column in columns)
    order = np.lexsort((target, source))
    return found._replace(source=source[order], target=target[order], margin=margin[order])


def _with_copies(groups: list[IdenticalGroup], first: NDArray[np.int64]) -> list[IdenticalGroup]:
    """Return groups of first rows with all rows of equal content, and those of rows that only have equals."""
    rows: dict[int, list[int]] = {}
    for row, own in enumerate(first.tolist()):
        rows.setdefault(own, []).append(row)
    grouped = {member for group in groups for member in group.members}
    equals = [IdenticalGroup(own, (own,)) for own, copies in rows.items() if len(copies) > 1 and own not in grouped]
    widened = (
        IdenticalGroup(group.medoid, tuple(sorted(row for member in group.members for row in rows[member])))
        for group in [*groups, *equals]
    )
    return sorted(widened, key=lambda group: group.members)


def write_groups(found: CatalogueGroups, file: Path) -> None:
    """Write a line for each group: its number, its medoid and its items."""
    items = found.index.items
    lines = (
        {
            "group": number,
            "medoid": items[group.medoid].item_id,
            "items": [items[row].item_id for row in group.members],
        }
        for number, group in enumerate(found.groups)
    )
    write_lines(file, lines)


def write_pairs(found: CatalogueGroups, file: Path) -> None:
    """Write a line for each pair that is decided the same; its group is null where the two are in different ones."""
    items, pairs = found.index.items, found.pairs
    columns = (pairs.source.tolist(), pairs.target.tolist(), pairs.margin.tolist(), found.is_inside.tolist())
    lines = (
        {
            "src_item_id": items[source].item_id,
            "tgt_item_id": items[target].item_id,
            "margin": margin,
            "group": int(found.numbers[source]) if inside else None,
        }
        for source, target, margin, inside in zip(*columns, strict=True)
    )
    write_lines(file, lines)


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
