"""How a seller phrases a product: titles and attribute strings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.preparation.demo.product import CATEGORIES, WORDS, Category, Factor, Product, chance, pick

NAMING_RATES: dict[Factor, float] = {
    "brand": 0.92, "model": 0.98, "variant": 0.98, "colour": 0.2, "pattern": 0.15, "shape": 0.1,
}  # fmt: skip
"""How often a seller names each factor of a product in the text.

What only the text can tell is nearly always named, what the photograph shows anyway seldom: so neither
text nor picture suffices alone."""
BRAND_IN_TITLES = ("{0}", "{0}", "{0}", "{0}({1})", "{1} {0}")
BRAND_IN_ATTRIBUTES = ("{1}/{0}", "{1}/{0}", "{0}", "{0}/{1}")


@dataclass(frozen=True, slots=True)
class Phrasing:
    """The text of one listing, and which factors its title and usual attributes name."""

    title: str
    item_pvs: str
    sku_pvs: str
    named: frozenset[Factor]


def phrase(product: Product, series: str, rng: np.random.Generator) -> Phrasing:
    """Write one seller's title and attributes of a product."""
    category = CATEGORIES[product.category]
    named = {factor for factor, rate in NAMING_RATES.items() if chance(rng, rate)}
    in_title = named & {"colour", "pattern", "shape"}
    in_attributes: set[Factor] = set()
    for factor in (factor for factor in ("brand", "model", "variant") if factor in named):
        place = pick(rng, ("title", "attributes", "both", "both", "both", "both"))
        if place != "attributes":
            in_title.add(factor)
        if place != "title":
            in_attributes.add(factor)
    if "colour" in named and chance(rng, 0.7):
        in_attributes.add("colour")
        if chance(rng, 0.5):
            in_title.discard("colour")
    item_pvs, sku_pvs = write_attributes(product, category, series, in_attributes, rng)
    if "pattern" in in_title and chance(rng, 0.3):
        item_pvs.append(("图案", pick(rng, WORDS.patterns[product.pattern])))
    title = write_title(product, category, series, in_title, rng)
    return Phrasing(title, notation(item_pvs), notation(sku_pvs), frozenset(in_title | in_attributes))


def write_title(
    product: Product, category: Category, series: str, factors: set[Factor], rng: np.random.Generator
) -> str:
    """Write a title that names these factors, in an order of the seller's own."""
    order: tuple[Factor, ...] = ("shape", "pattern", "colour", "model")
    words = [spell(product, category, factor, rng) for factor in order if factor in factors]
    if chance(rng, 0.3):
        words.append(pick(rng, WORDS.praises))
    if chance(rng, 0.1):
        words.append(series + "系列")
    words = [words[i] for i in rng.permutation(len(words))]
    if "brand" in factors:
        words.insert(0 if chance(rng, 0.8) else len(words), spell_brand(product.brand, BRAND_IN_TITLES, rng))
    words.append(pick(rng, category.nouns))
    if "variant" in factors:
        words.insert(len(words) - int(chance(rng, 0.3)), spell(product, category, "variant", rng))
    if chance(rng, 0.15):
        words.insert(0, pick(rng, ("【{}】", "{} ", "[{}]")).format(pick(rng, WORDS.promotions)))
    if chance(rng, 0.1):
        words.append(pick(rng, WORDS.promotions))
    return join(words, pick(rng, ("", "", " ")))


def write_attributes(
    product: Product, category: Category, series: str, factors: set[Factor], rng: np.random.Generator
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Write the attributes that name these factors and some others, as item and stock-unit attributes."""
    item: list[tuple[str, str]] = []
    sku: list[tuple[str, str]] = []
    if "brand" in factors:
        item.append(("品牌", spell_brand(product.brand, BRAND_IN_ATTRIBUTES, rng)))
    if "model" in factors:
        item.append((category.model_key, spell(product, category, "model", rng)))
    if "colour" in factors:
        sku.append(("颜色分类", spell(product, category, "colour", rng)))
    if "variant" in factors:
        side = item if category.variant_key == "口味" else sku
        side.append((category.variant_key, spell(product, category, "variant", rng)))
        if chance(rng, 0.1):
            item.append((category.variant_key, spell(product, category, "variant", rng)))
    if chance(rng, 0.1):
        item.append(("品名", pick(rng, category.nouns)))
    if chance(rng, 0.1):
        item.append(("系列", pick(rng, (series, series + "系列"))))
    if category.variant_key == "口味" and chance(rng, 0.2):
        item.append(("批准文号", f"食健备G{100 + list(WORDS.brands).index(product.brand)}"))
    if chance(rng, 0.3):
        item.append(("材质", pick(rng, category.materials)))
    item += [(key, pick(rng, values)) for key, values in WORDS.extras.items() if chance(rng, 0.2)]
    return [item[i] for i in rng.permutation(len(item))], sku


def spell(product: Product, category: Category, factor: Factor, rng: np.random.Generator) -> str:
    """Return a word for the product's value of a factor other than the brand."""
    match factor:
        case "model":
            model = product.model
            return vary_width(pick(rng, (model, model, model.lower(), model.replace("-", " "))), rng)
        case "variant":
            spellings = next(v for v in category.variants if v[0] == product.variant)
            return vary_width(pick(rng, (spellings[0], *spellings)), rng)
        case "colour":
            return pick(rng, WORDS.colours[product.colour][1])
        case "pattern":
            return pick(rng, WORDS.patterns[product.pattern])
        case "shape":
            return pick(rng, category.shapes[product.shape])
        case "brand":
            return product.brand


def vary_width(text: str, rng: np.random.Generator) -> str:
    """Make every eighth text full-width: the characters ! to ~ at U+FF01 to U+FF5E."""
    if not chance(rng, 0.125):
        return text
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def spell_brand(brand: str, ways: Sequence[str], rng: np.random.Generator) -> str:
    """Write a brand, {0}, and its Latin form, {1}, in one of some ways."""
    return pick(rng, ways).format(brand, WORDS.brands[brand])


def join(words: Sequence[str], separator: str) -> str:
    """Join words; Latin letters and digits of neighbours are always kept apart."""
    text = ""
    for word in words:
        touching = re.search("[A-Za-z0-9]$", text) and re.match("[A-Za-z0-9]", word)
        text += (" " if touching else separator if text else "") + word
    return text


def notation(attributes: Sequence[tuple[str, str]]) -> str:
    """Write attributes as #key#:#value#; one after the other."""
    return "".join(f"#{key}#:#{value}#;" for key, value in attributes)
