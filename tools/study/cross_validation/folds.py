"""Folds of items that keep products whole and cut few pairs.

Letters of shapes: B pairs, N items.
"""

import numpy as np
from numpy.typing import NDArray

from data.item_pair import PairTable
from data.pair_dataset import product_groups
from metrics.clusters import item_parts

PARTS_A_FOLD = 4
"""Parts of connected pairs, about: more of them fill folds more evenly and cut more pairs."""


def product_folds(pairs: PairTable, listing: NDArray[np.int64], num_folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each of N items: (N,), all items of a product in one.

    Items of one number in `listing` (N,) are one listing (data.split_overlap.listing_rows), which training and
    validation may not share. Products are the connected components of the pairs of listings labelled the same.
    Neighbouring products, those that pairs of different products join, are kept together as far as folds of one size
    allow: large components are cut into parts that few pairs cross. The parts are dealt to the folds in an order drawn
    by the seed, rather the larger ones first.
    """
    of_listings = PairTable(listing[pairs.source], listing[pairs.target], pairs.same)
    product = np.unique(product_groups(of_listings, len(listing))[listing], return_inverse=True)[1]
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
