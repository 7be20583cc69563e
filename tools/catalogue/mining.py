"""Negatives for a second round of training: pairs of different products that a model takes for nearly the same.

Letters of shapes: N items, K labelled pairs, P pairs found.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from data.compared_text import compared
from data.item_pair import PairTable, parse_pair
from data.jsonl import DataError, read_records
from data.pair_dataset import product_groups
from engine.disk import refuse_existing, write_lines
from models.embedding import ItemEmbedding, cross_score, pair_score, unpack
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_folder import open_embeddings
from tools.catalogue.equal_content import first_of_equal
from tools.catalogue.verify import checked_rows

ITEMS_AT_ONCE = 256
"""Of which the margins with all items are in memory at once."""


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """How negatives are chosen."""

    per_item: int
    ceiling: float | None
    """None: the median margin of the pairs that are the same."""
    same_category: bool
    ungrouped: bool
    keep_pairs: bool
    """Whether the labelled pairs come first in the file."""


@dataclass(frozen=True, slots=True)
class Guards:
    """What keeps a pair that may be the same product, unlabelled, from being taken for a negative."""

    ceiling: float
    """Margin from which on a pair is not taken."""
    ungrouped: bool = False
    """Whether items are taken of which no same product is known."""
    category: NDArray[np.int64] | None = None
    """(N,) categories by number, negative where an item has none; both items have to be of one."""


@dataclass(frozen=True, slots=True)
class NearMisses:
    """P pairs, the highest margin first, each once; source is the item of the lower number."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    margin: NDArray[np.float32]
    num_above_ceiling: int
    """Pairs that the ceiling alone kept out."""


def mine(embeddings: Path, pairs_file: Path, out: Path, settings: MiningSettings) -> dict[str, int | float]:
    """Write the pair file and return the figures of what was found, by name.

    Raises UserError for files that cannot be read or written, or without a usable ceiling.
    """
    refuse_existing(out)
    folder = open_embeddings(embeddings)
    embedded = [item for item, _ in checked_rows(folder)]
    # Listings of equal content count as the first of them, so that they are never paired.
    distinct, numbers = np.unique(first_of_equal(item.content for item in embedded), return_inverse=True)
    ids = [embedded[row].item_id for row in distinct]
    pairs = _read_pairs(pairs_file, {item.item_id: int(own) for item, own in zip(embedded, numbers, strict=True)})
    items = unpack(torch.from_numpy(folder.take(distinct.tolist())), folder.record.threshold_width)
    ceiling = settings.ceiling if settings.ceiling is not None else median_positive_margin(items, pairs)
    if math.isnan(ceiling):
        raise UserError(
            f"{pairs_file}: no pair is the same product, so that products are not known and the ceiling neither"
        )
    category = _numbered([embedded[row].category for row in distinct]) if settings.same_category else None
    found = near_misses(items, pairs, Guards(ceiling, settings.ungrouped, category), settings.per_item)
    if not len(found.source):
        raise UserError(
            f"{embeddings}: no pair of items passed the guards below the ceiling {ceiling:.4f}; raise --ceiling, or "
            "take --ungrouped if few items have a known same product"
        )
    lines: list[Mapping[str, object]] = []
    if settings.keep_pairs:
        lines += [record for _, record in read_records(pairs_file)]
    lines += [
        {"src_item_id": ids[source], "tgt_item_id": ids[target], "item_label": "0"}
        for source, target in zip(found.source, found.target, strict=True)
    ]
    write_lines(out, lines)
    return {
        "items": len(embedded),
        "items equal to an earlier one": len(embedded) - len(distinct),
        "items with a known same product": int(in_same_pair(pairs, len(ids)).sum()),
        "ceiling of the margin": ceiling,
        "pairs that the ceiling left out": found.num_above_ceiling,
        "near misses": len(found.margin),
        "highest margin": float(found.margin.max()),
        "lowest margin": float(found.margin.min()),
        f"lines of {out}": len(lines),
    }


def _read_pairs(file: Path, rows: Mapping[str, int]) -> PairTable:
    ends: list[tuple[int, int]] = []
    same = []
    for number, record in read_records(file):
        pair = parse_pair(file, number, record)
        if pair.same is None:
            raise DataError(file, number, "has no 'item_label'; which items are one product has to be known")
        for item_id in (pair.source_id, pair.target_id):
            if item_id not in rows:
                raise DataError(file, number, f"item {quoted(item_id)} is not among the embeddings")
        ends.append((rows[pair.source_id], rows[pair.target_id]))
        same.append(pair.same)
    if not ends:
        raise DataError(file, None, "has no pairs")
    source, target = np.array(ends, np.int64).T
    return PairTable(source, target, np.array(same, np.bool_))


def _numbered(categories: list[str]) -> NDArray[np.int64]:
    """Return the categories by number, -1 where an item has none: (N,)."""
    numbers = {"": -1}
    return np.fromiter((numbers.setdefault(compared(name), len(numbers)) for name in categories), np.int64)


def median_positive_margin(items: ItemEmbedding, pairs: PairTable) -> float:
    """Return the median margin of the pairs that are the same; not a number where there are none."""
    assert pairs.same is not None
    source, target = torch.from_numpy(pairs.source[pairs.same]), torch.from_numpy(pairs.target[pairs.same])
    margin = pair_score(items.rows(source), items.rows(target)).margin
    return float(np.median(margin.numpy())) if len(margin) else float("nan")


def in_same_pair(pairs: PairTable, num_items: int) -> NDArray[np.bool_]:
    """Return whether an item is in a pair that is the same: (N,)."""
    assert pairs.same is not None
    ends = np.concatenate([pairs.source[pairs.same], pairs.target[pairs.same]])
    return np.bincount(ends, minlength=num_items) > 0


def near_misses(items: ItemEmbedding, pairs: PairTable, guards: Guards, most: int) -> NearMisses:
    """Return pairs of high margins that are known or presumed to be different products.

    Of each of N items the `most` highest are looked at, among items of other groups with which no pair is labelled;
    of all these, from the highest margin down, those are taken that leave no item in more than `most` pairs. Equal
    margins go by the items' numbers.
    """
    num_items = len(items.match)
    allowed = _Allowed(pairs, guards, num_items)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
    num_above = 0
    with tqdm(total=num_items, desc="mine", unit="item", leave=False, disable=None) as progress:
        for first in range(0, num_items, ITEMS_AT_ONCE):
            rows = torch.arange(first, min(first + ITEMS_AT_ONCE, num_items))
            margin = cross_score(items.rows(rows), items).margin
            may = allowed.mask(first, len(rows))
            above = may & (margin >= guards.ceiling)
            num_above += int(above.sum())
            source, target, values = _highest(margin.masked_fill(~may | above, -torch.inf), most)
            found.append((source + first, target, values))
            progress.update(len(rows))
    source, target, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    kept = _spread(source, target, values, num_items, most)
    return NearMisses(*kept, num_above_ceiling=num_above // 2)


class _Allowed:
    """Which pairs may be taken, whatever their margin."""

    def __init__(self, pairs: PairTable, guards: Guards, num_items: int) -> None:
        self._group = torch.from_numpy(product_groups(pairs, np.arange(num_items)))
        known = np.ones(num_items, np.bool_) if guards.ungrouped else in_same_pair(pairs, num_items)
        self._known = torch.from_numpy(known)
        self._category = torch.from_numpy(guards.category) if guards.category is not None else None
        ends = np.concatenate([[pairs.source, pairs.target], [pairs.target, pairs.source]], axis=1)
        self._labelled = ends[:, np.argsort(ends[0], kind="stable")]

    def mask(self, first: int, count: int) -> Tensor:
        """Return whether items from a number on may be paired with each item: (count, N)."""
        own = slice(first, first + count)
        may = (self._group[own, None] != self._group) & self._known[own, None] & self._known
        if self._category is not None:
            may &= (self._category[own, None] == self._category) & (self._category >= 0)
        labelled = self._labelled[:, slice(*np.searchsorted(self._labelled[0], [first, first + count]))]
        may[labelled[0] - first, labelled[1]] = False
        return may


def _highest(margin: Tensor, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return row, column and margin of the `most` highest of each row that are not -inf, equal ones by column."""
    least = margin.topk(min(most, margin.shape[1]), dim=1).values[:, -1:]
    rows, columns = ((margin >= least) & margin.isfinite()).nonzero(as_tuple=True)
    values = margin[rows, columns].numpy()
    source, target = rows.numpy(), columns.numpy()
    order = np.lexsort((target, -values, source))
    place = np.arange(len(order)) - np.searchsorted(source[order], source[order])
    order = order[place < most]
    return source[order], target[order], values[order]


def _spread(
    source: NDArray[np.int64], target: NDArray[np.int64], margin: NDArray[np.float32], num_items: int, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return the pairs, each once and the highest first, that leave no item in more than `most`."""
    ends = np.sort(np.stack([source, target]), axis=0)
    _, once = np.unique(ends[0] * num_items + ends[1], return_index=True)
    order = once[np.argsort(-margin[once], kind="stable")]
    count = np.zeros(num_items, np.int64)
    kept = []
    for place in order.tolist():
        pair = ends[:, place]
        if (count[pair] < most).all():
            count[pair] += 1
            kept.append(place)
    return ends[0, kept], ends[1, kept], margin[kept]
