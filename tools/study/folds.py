"""The pairs of a cross-validation, and folds of their items that keep products whole and cut few pairs.

Letters of shapes: B pairs, N items.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.item_catalog import ItemCatalog, read_items
from data.item_pair import PairTable, read_pairs
from data.options import SplitOptions
from data.pair_dataset import product_groups
from data.split_digest import pairs_digest
from data.split_overlap import listing_rows
from engine.experiment import ExperimentOptions
from metrics.clusters import item_parts
from options.errors import UserError

PARTS_A_FOLD = 4
"""Parts of connected pairs, about: more of them fill folds more evenly and cut more pairs."""


@dataclass(frozen=True, slots=True)
class PairPool:
    """The training and the validation pairs of an option file, the former first."""

    catalog: ItemCatalog
    listing: NDArray[np.int64]
    """(N,) which items are one listing, as listing_rows says."""
    pairs: PairTable
    files: SplitOptions
    """Items and images of all of them; `pairs` is the file of the training pairs."""
    validation_file: Path
    num_validation: int

    @property
    def same(self) -> NDArray[np.bool_]:
        """The label of each of B pairs: (B,)."""
        assert self.pairs.same is not None
        return self.pairs.same


def read_pools(experiments: Sequence[ExperimentOptions]) -> list[PairPool]:
    """Read the pairs to cross-validate on.

    Raises UserError for splits that do not share items and images, and for option files of different pairs or labels.
    """
    found = [_read_pairs(options) for options in experiments]
    digests = [pairs_digest(pool.catalog, pool.pairs) for pool in found]
    for options, digest in zip(experiments, digests, strict=True):
        if digest != digests[0]:
            raise UserError(
                f"{options.name}: has other pairs or labels than {experiments[0].name}, or the same in another order; "
                "give it the same files of data.train.pairs and data.val.pairs, or cross-validate it by itself"
            )
    return found


def _read_pairs(options: ExperimentOptions) -> PairPool:
    train, val = options.data.train, options.data.val
    if train is None or val is None or (train.items, train.images) != (val.items, val.images):
        raise UserError("data.train and data.val: cross-validation needs both, of the same items and images")
    catalog = read_items(train.items, has_images=options.reads.image)
    tables = [read_pairs(file, catalog, labelled=True) for file in (train.pairs, val.pairs)]
    same = [table.same for table in tables if table.same is not None]
    source, target = (np.concatenate([getattr(table, side) for table in tables]) for side in ("source", "target"))
    pairs = PairTable(source, target, np.concatenate(same))
    return PairPool(catalog, listing_rows(catalog), pairs, train, val.pairs, len(tables[1]))


def product_folds(pairs: PairTable, listing: NDArray[np.int64], num_folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each of N items: (N,), all items of a product in one.

    Items of one number in `listing` (N,) are one listing (data.split_overlap.listing_rows), which training and
    validation may not share. Products are the connected components of the pairs of listings labelled the same.
    Neighbouring products, those that pairs of different products join, are kept together as far as folds of one size
    allow: large components are cut into parts that few pairs cross. The parts are dealt to the folds in an order drawn
    by the seed, rather the larger ones first.
    """
    product = np.unique(product_groups(pairs, listing), return_inverse=True)[1]
    source, target = product[pairs.source], product[pairs.target]
    part = item_parts(source, target, len(pairs) / (num_folds * PARTS_A_FOLD))
    num_pairs = np.bincount(part[source], minlength=len(part))
    parts = np.unique(part)
    rank = num_pairs[parts] * np.random.default_rng(seed).uniform(0.5, 1.5, len(parts))
    fold = np.zeros(len(part), np.int64)
    load = np.zeros(num_folds)
    for number in parts[np.argsort(-rank, kind="stable")]:
        fold[number] = load.argmin()
        load[fold[number]] += num_pairs[number]
    of_product = np.zeros(product.max() + 1, np.int64)
    of_product[: len(part)] = fold[part]  # the last products may have no pairs
    return of_product[product]


def pair_folds(pairs: PairTable, item_fold: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the fold of each of B pairs, -1 where its items are of two folds: (B,)."""
    source, target = item_fold[pairs.source], item_fold[pairs.target]
    return np.where(source == target, source, -1)
