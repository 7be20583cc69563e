"""A whole catalogue: its families in splits, its listings made by several processes, its pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tools.preparation.demo.family import MEAN_ITEMS_PER_FAMILY, plan_families
from tools.preparation.demo.listed_item import ListedItem, ListingPlan, make_item, plan_listings
from tools.preparation.demo.settings import DemoSettings, NamingRates

SPLITS = ("train", "val", "test")
CHUNK = 64
"""Listings a process makes at a time."""

Map = Callable[[Callable[[list[ListingPlan]], list[ListedItem]], list[list[ListingPlan]]], Iterator[list[ListedItem]]]


def make_catalogue(settings: DemoSettings, images: Path) -> dict[str, list[ListedItem]]:
    """Write all photographs into the folder and return the listings of each split, ordered by id."""
    families = plan_families(max(3, round(settings.items / MEAN_ITEMS_PER_FAMILY)), settings.seed)
    split_of = split_families(len(families), settings)
    splits: dict[str, list[ListedItem]] = {split: [] for split in SPLITS}
    for item in make_items(plan_listings(families, settings.seed), images, settings):
        splits[split_of[item.family]].append(item)
    return {split: sorted(items, key=lambda item: item.item_id) for split, items in splits.items()}


def split_families(count: int, settings: DemoSettings) -> list[str]:
    """Return the split of each family: products that are hard negatives of each other stay together."""
    num_val, num_test = round(count * settings.val_fraction), round(count * settings.test_fraction)
    names = ["val"] * num_val + ["test"] * num_test + ["train"] * (count - num_val - num_test)
    order = np.random.default_rng((settings.seed, 3)).permutation(count)
    return [names[i] for i in order]


def make_items(plans: list[ListingPlan], images: Path, settings: DemoSettings) -> Iterator[ListedItem]:
    """Make the listings in the order of their plans, with a progress bar."""
    chunks = [plans[start : start + CHUNK] for start in range(0, len(plans), CHUNK)]
    make = partial(make_chunk, images=images, image_size=settings.image_size, naming=settings.naming)
    with (
        tqdm(total=len(plans), unit="item", desc="photographs") as bar,
        process_map(settings.processes) as map_,
    ):
        for items in map_(make, chunks):
            bar.update(len(items))
            yield from items


def make_chunk(plans: list[ListingPlan], images: Path, image_size: int, naming: NamingRates) -> list[ListedItem]:
    """Make several listings."""
    return [make_item(plan, images, image_size, naming) for plan in plans]


@contextmanager
def process_map(processes: int) -> Iterator[Map]:
    """Give a map over this many processes, or over this one alone."""
    if processes == 1:
        yield map
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            yield pool.map
