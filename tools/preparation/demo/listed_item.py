"""One listing: a seller's text and photograph of a product."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tools.preparation.demo.category import CATEGORIES
from tools.preparation.demo.family import Family
from tools.preparation.demo.image_file import draw_file_kind, save_photograph
from tools.preparation.demo.listing import phrase
from tools.preparation.demo.photograph import draw_photograph
from tools.preparation.demo.product import Factor, Product
from tools.preparation.demo.settings import NamingRates


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


def plan_listings(families: list[Family], seed: int) -> list[ListingPlan]:
    """Number the listings of all families."""
    plans: list[ListingPlan] = []
    for family in families:
        for product, count in zip(family.products, family.num_listings, strict=True):
            for _ in range(count):
                plans.append(ListingPlan(len(plans), seed, family.number, family.series, product))
    return plans


def make_item(plan: ListingPlan, images: Path, image_size: int, naming: NamingRates) -> ListedItem:
    """Write a listing's photograph into the folder and return the listing."""
    rng = np.random.default_rng((plan.seed, 2, plan.number))
    item_id = blake2b(f"{plan.seed}/{plan.number}".encode(), digest_size=6).hexdigest()
    text = phrase(plan.product, plan.series, naming, rng)
    kind = draw_file_kind(rng)
    image_name = item_id + kind.suffix
    save_photograph(draw_photograph(plan.product, image_size, rng), images / image_name, kind, rng)
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
    visible: set[Factor] = {"shape", "pattern"} if kind.mode == "L" else {"shape", "pattern", "colour"}
    return ListedItem(item_id, plan.family, plan.product, info, text.named, frozenset(visible))
