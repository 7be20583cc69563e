"""Families: a product and its siblings, which each differ from it in exactly one factor."""

from dataclasses import dataclass

import numpy as np

from tools.preparation.demo.product import (
    BRANDS,
    CATEGORIES,
    COLOURS,
    FACTORS,
    MODEL_DIGITS,
    MODEL_LETTERS,
    PATTERNS,
    SERIES,
    Factor,
    Product,
    others,
    pick,
)

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
class Family:
    """Products that are hard negatives of each other; a family lies in one split as a whole."""

    number: int
    series: str
    products: tuple[Product, ...]
    num_listings: tuple[int, ...]
    """Listings of each product."""


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
        families.append(Family(number, pick(rng, SERIES), products, num_listings))
    return families


def draw_products(rng: np.random.Generator) -> tuple[Product, ...]:
    """Draw a product and its siblings, each of which differs in another factor."""
    category = CATEGORIES[pick(rng, tuple(CATEGORIES))]
    values = {
        "brand": tuple(BRANDS),
        "variant": tuple(variant for variant, *_ in category.variants),
        "colour": tuple(COLOURS),
        "pattern": tuple(PATTERNS),
        "shape": tuple(shape for shape, _ in category.shapes),
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
