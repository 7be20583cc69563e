"""A whole catalogue: its families in splits, its listings made by several processes."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from tools.preparation.demo.family import MEAN_ITEMS_PER_FAMILY, Family, plan_families
from tools.preparation.demo.listing import phrase
from tools.preparation.demo.photograph import draw_encoding, draw_photograph, save_photograph
from tools.preparation.demo.product import CATEGORIES, Factor, Product

SPLITS = ("train", "val", "test")
CHUNK = 64
"""Listings a process makes at a time."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What a demo catalogue is made from; equal settings give equal files, whatever `processes` is."""

    out: Path
    """Folder to write."""
    items: int = 6000
    """Approximate number of items of all splits together."""
    seed: int = 0
    """Seed of everything random."""
    image_size: int = 96
    """Height and width of the photographs in pixels."""
    processes: int = 1
    """Processes that draw."""
    val_fraction: float = 0.1
    """Share of the product families in the validation split."""
    test_fraction: float = 0.1
    """Share of the product families in the test split."""


class ListingPlan(NamedTuple):
    """What a listing is to show; all its randomness comes from the seed and its number."""

    number: int
    seed: int
    family: int
    series: str
    product: Product


@dataclass(frozen=True, slots=True)
class ListedItem:
    """A listing that has been made: its line of the item file, and what it tells of the product."""

    item_id: str
    family: int
    product: Product
    info: dict[str, str]
    named: frozenset[Factor]
    """Factors that the text names."""
    visible: frozenset[Factor]
    """Factors that the photograph shows."""


def make_catalogue(settings: DemoSettings, images: Path) -> dict[str, list[ListedItem]]:
    """Write all photographs into the folder and return the listings of each split, ordered by id."""
    families = plan_families(max(3, round(settings.items / MEAN_ITEMS_PER_FAMILY)), settings.seed)
    split_of = split_families(len(families), settings)
    splits: dict[str, list[ListedItem]] = {split: [] for split in SPLITS}
    for item in make_items(plan_listings(families, settings.seed), images, settings):
        splits[split_of[item.family]].append(item)
    return {split: sorted(items, key=lambda item: item.item_id) for split, items in splits.items()}


def split_families(num_families: int, settings: DemoSettings) -> list[str]:
    """Return the split of each family: products that are hard negatives of each other stay together."""
    num_val, num_test = round(num_families * settings.val_fraction), round(num_families * settings.test_fraction)
    names = ["val"] * num_val + ["test"] * num_test + ["train"] * (num_families - num_val - num_test)
    order = np.random.default_rng((settings.seed, 3)).permutation(num_families)
    return [names[i] for i in order]


def plan_listings(families: list[Family], seed: int) -> list[ListingPlan]:
    """Number the listings of all families."""
    plans: list[ListingPlan] = []
    for family in families:
        for product, num_listings in zip(family.products, family.num_listings, strict=True):
            for _ in range(num_listings):
                plans.append(ListingPlan(len(plans), seed, family.number, family.series, product))
    return plans


def make_items(plans: list[ListingPlan], images: Path, settings: DemoSettings) -> Iterator[ListedItem]:
    """Make the listings in the order of their plans, with a progress bar."""
    make = partial(make_item, images=images, image_size=settings.image_size)
    with ExitStack() as stack:
        items: Iterator[ListedItem] = map(make, plans)
        if settings.processes > 1:
            pool = ProcessPoolExecutor(settings.processes, mp_context=get_context("spawn"))
            items = stack.enter_context(pool).map(make, plans, chunksize=CHUNK)
        yield from tqdm(items, total=len(plans), unit="item", desc="photographs")


def make_item(plan: ListingPlan, images: Path, image_size: int) -> ListedItem:
    """Write a listing's photograph into the folder and return the listing."""
    rng = np.random.default_rng((plan.seed, 2, plan.number))
    item_id = blake2b(f"{plan.seed}/{plan.number}".encode(), digest_size=6).hexdigest()
    text = phrase(plan.product, plan.series, rng)
    encoding = draw_encoding(rng)
    image_name = item_id + encoding.suffix
    save_photograph(draw_photograph(plan.product, image_size, rng), images / image_name, encoding, rng)
    category = CATEGORIES[plan.product.category]
    info = {
        "item_id": item_id,
        "industry_name": category.industry,
        "cate_id": category.cate_id,
        "cate_name": category.name,
        "cate_id_path": f"{category.cate_id[:-1]},{category.cate_id}",
        "cate_name_path": f"{category.industry}->{category.parent}->{category.name}",
        "item_image_name": image_name,
        "title": text.title,
        "item_pvs": text.item_pvs,
        "sku_pvs": text.sku_pvs,
    }
    # Empty attributes are absent from the line as often as they are empty strings.
    absent = [key for key in ("item_pvs", "sku_pvs") if not info[key] and plan.number % 2]
    for key in absent:
        del info[key]
    visible: set[Factor] = {"shape", "pattern"} if encoding.mode == "L" else {"shape", "pattern", "colour"}
    return ListedItem(item_id, plan.family, plan.product, info, text.named, frozenset(visible))
