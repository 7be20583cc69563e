"""Labelled pairs of the listings of one split."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np

from tools.preparation.demo.catalogue import ListedItem
from tools.preparation.demo.product import CATEGORIES, Factor, Product, chance

POSITIVE_FRACTION = 0.4
"""Share of the pairs that are the same product."""
EASY_FRACTION = 0.25
"""Share of the negatives whose products are of different families."""

Modality = Literal["image", "text", "either", "image+text"]


class LabelledPair(NamedTuple):
    """Two listings and whether they are of one product."""

    source: ListedItem
    target: ListedItem
    kind: str
    decided_by: Modality

    @property
    def same(self) -> bool:
        """Whether both are the identical product."""
        return self.source.product == self.target.product


def make_pairs(items: Sequence[ListedItem], rng: np.random.Generator) -> list[LabelledPair]:
    """Pair the listings of one split: all positives, and as many negatives as POSITIVE_FRACTION asks for.

    Most negatives are hard: one factor differs, and both listings show it. The others are easy.
    """
    positives, hard = [], []
    for source, target in pairs_of_families(items):
        differences = source.product.differences(target.product)
        if not differences:
            positives.append(LabelledPair(source, target, "positive", "image+text"))
        elif len(differences) == 1 and (modality := deciding_modality(source, target)):
            kind = f"negative-{factor_name(source.product, differences[0])}"
            hard.append(LabelledPair(source, target, kind, modality))
    num_negatives = round(len(positives) * (1 - POSITIVE_FRACTION) / POSITIVE_FRACTION)
    num_hard = min(len(hard), round(num_negatives * (1 - EASY_FRACTION)))
    pairs = positives + [hard[i] for i in rng.permutation(len(hard))[:num_hard]]
    pairs += easy_pairs(items, round(num_hard * EASY_FRACTION / (1 - EASY_FRACTION)), rng)
    return [turn(pairs[i], rng) for i in rng.permutation(len(pairs))]


def factor_name(product: Product, factor: Factor) -> str:
    """Return the name of a factor in the kinds of pairs: a variant is a taste or a size."""
    if factor != "variant":
        return factor
    return "taste" if CATEGORIES[product.category].variant_key == "口味" else "size"


def pairs_of_families(items: Sequence[ListedItem]) -> Iterator[tuple[ListedItem, ListedItem]]:
    """Yield all pairs of listings of one family."""
    families: dict[int, list[ListedItem]] = defaultdict(list)
    for item in items:
        families[item.family].append(item)
    for members in families.values():
        yield from combinations(members, 2)


def easy_pairs(items: Sequence[ListedItem], num_pairs: int, rng: np.random.Generator) -> list[LabelledPair]:
    """Draw pairs of listings of different families, half of them of one category."""
    categories: dict[str, list[ListedItem]] = defaultdict(list)
    for item in items:
        categories[item.product.category].append(item)
    pairs: dict[frozenset[str], LabelledPair] = {}
    for _ in range(num_pairs * 20):
        if len(pairs) == num_pairs:
            break
        source = items[int(rng.integers(len(items)))]
        near = chance(rng, 0.5)
        candidates = categories[source.product.category] if near else items
        target = candidates[int(rng.integers(len(candidates)))]
        modality = deciding_modality(source, target)
        if source.family != target.family and modality:
            alike = source.product.category == target.product.category
            kind = "negative-category" if alike else "negative-random"
            pairs[frozenset((source.item_id, target.item_id))] = LabelledPair(source, target, kind, modality)
    return list(pairs.values())


def deciding_modality(source: ListedItem, target: ListedItem) -> Modality | None:
    """Return what shows that two listings are of different products; None where nothing does."""
    if source.product.category != target.product.category:
        return "either"
    differences = set(source.product.differences(target.product))
    by_image = differences & source.visible & target.visible
    by_text = differences & source.named & target.named
    if by_image and by_text:
        return "either"
    if by_image or by_text:
        return "image" if by_image else "text"
    crosswise = differences & (source.named | source.visible) & (target.named | target.visible)
    return "image+text" if crosswise else None


def turn(pair: LabelledPair, rng: np.random.Generator) -> LabelledPair:
    """Exchange source and target of every second pair."""
    return pair._replace(source=pair.target, target=pair.source) if chance(rng, 0.5) else pair
