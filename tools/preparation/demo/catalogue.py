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

from tools.preparation.demo.listing import phrase
from tools.preparation.demo.photograph import draw_encoding, draw_photograph, save_photograph
from tools.preparation.demo.product import (
    CATEGORIES,
    FACTORS,
    MODEL_DIGITS,
    MODEL_LETTERS,
    WORDS,
    Factor,
    Product,
    others,
    pick,
)

SPLITS = ("train", "val", "test")
CHUNK = 64
"""Listings a process makes at a time."""
SIBLING_SHARES: dict[Factor, float] = {
    "model": 0.29, "variant": 0.27, "brand": 0.02, "colour": 0.34, "pattern": 0.06, "shape": 0.02,
}  # fmt: skip
"""How often a sibling differs in each factor.

Half in what the text tells and half in what is seen, and mostly in two factors of each, so that a small model
meets each of them often enough to learn it in minutes."""

SIBLINGS = 3
LISTINGS = (2, 3)
"""Fewest and most listings of a product."""
MEAN_ITEMS_PER_FAMILY = (1 + SIBLINGS) * sum(LISTINGS) / len(LISTINGS)


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


@dataclass(frozen=True, slots=True)
class Family:
    """Products that are hard negatives of each other; a family lies in one split as a whole."""

    number: int
    series: str
    products: tuple[Product, ...]
    num_listings: tuple[int, ...]
    """Listings of each product."""


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


def plan_families(num_families: int, seed: int) -> list[Family]:
    """Draw families, no product of which occurs twice."""
    taken: set[Product] = set()
    families = []
    for number in range(num_families):
        rng = np.random.default_rng((seed, 1, number))
        products = draw_products(rng)
        while not taken.isdisjoint(products):
            products = draw_products(rng)
        taken.update(products)
        num_listings = tuple(int(n) for n in rng.integers(LISTINGS[0], LISTINGS[1] + 1, len(products)))
        families.append(Family(number, pick(rng, WORDS.series), products, num_listings))
    return families


def draw_products(rng: np.random.Generator) -> tuple[Product, ...]:
    """Draw a product and its siblings, each of which differs in another factor."""
    category = CATEGORIES[pick(rng, tuple(CATEGORIES))]
    values = {
        "brand": tuple(WORDS.brands),
        "variant": tuple(variant for variant, *_ in category.variants),
        "colour": tuple(WORDS.colours),
        "pattern": tuple(WORDS.patterns),
        "shape": tuple(category.shapes),
    }
    drawn = {factor: draw_model(rng) if factor == "model" else pick(rng, values[factor]) for factor in FACTORS}
    base = Product(category.name, **drawn)
    factors = tuple(SIBLING_SHARES)
    siblings = []
    for i in rng.choice(len(factors), SIBLINGS, replace=False, p=list(SIBLING_SHARES.values())):
        factor, own = factors[i], drawn[factors[i]]
        other = other_model(own, rng) if factor == "model" else pick(rng, others(own, values[factor]))
        siblings.append(Product(category.name, **{**drawn, factor: other}))
    return (base, *siblings)


def draw_model(rng: np.random.Generator) -> str:
    """Draw a model number such as K3-7."""
    return f"{pick(rng, MODEL_LETTERS)}{pick(rng, MODEL_DIGITS)}-{pick(rng, MODEL_DIGITS)}"


def other_model(model: str, rng: np.random.Generator) -> str:
    """Change two or all three of the characters of a model number."""
    characters = list(model)
    places = (0, 1, 3)
    for i in rng.choice(len(places), int(rng.integers(2, len(places) + 1)), replace=False):
        place = places[i]
        characters[place] = pick(rng, others(model[place], MODEL_LETTERS if place == 0 else MODEL_DIGITS))
    return "".join(characters)


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
