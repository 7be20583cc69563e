"""Products of invented categories: the factors that tell them apart, and the values each factor can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
from pydantic import TypeAdapter

Factor = Literal["brand", "model", "variant", "colour", "pattern", "shape"]
FACTORS: tuple[Factor, ...] = get_args(Factor)
Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
T = TypeVar("T")

MODEL_LETTERS = "ADKT"
MODEL_DIGITS = "12345"


@dataclass(frozen=True, slots=True)
class Product:
    """One product; two listings show the identical product if and only if all fields are equal.

    The values repeat across products on purpose: what has to be learnt is to compare them.
    """

    category: str
    brand: str
    model: str
    """A letter, a digit, a hyphen and a digit."""
    variant: str
    """Size or taste, whichever the category has."""
    colour: str
    pattern: str
    shape: str

    def differences(self, other: Product) -> tuple[Factor, ...]:
        """Return the factors in which two products differ; the category is not among them."""
        return tuple(factor for factor in FACTORS if getattr(self, factor) != getattr(other, factor))


@dataclass(frozen=True, slots=True)
class Category:
    """A category: its names, and the values its products can take."""

    cate_id: str
    industry: str
    parent: str
    nouns: tuple[str, ...]
    """What sellers call it, the official name first."""
    shapes: dict[str, tuple[str, ...]]
    """The words for each shape."""
    model_key: Literal["型号", "货号"]
    variant_key: Literal["尺码", "尺寸", "口味"]
    variants: tuple[tuple[str, ...], ...]
    """Each size or taste in its spellings, the plainest first."""
    materials: tuple[str, ...]

    @property
    def name(self) -> str:
        """The official name."""
        return self.nouns[0]


@dataclass(frozen=True, slots=True)
class Words:
    """What words.json says: all that products can be, and the words for it."""

    brands: dict[str, str]
    """Invented brand names with their Latin forms."""
    colours: dict[str, tuple[Colour, tuple[str, ...]]]
    """Red, green and blue of each colour, and the words for it."""
    patterns: dict[str, tuple[str, ...]]
    """The words for each pattern."""
    series: tuple[str, ...]
    """All products of a family are of one series."""
    promotions: tuple[str, ...]
    praises: tuple[str, ...]
    extras: dict[str, tuple[str, ...]]
    """Attributes that say nothing of the product, and their values."""
    categories: tuple[Category, ...]


WORDS = TypeAdapter(Words).validate_json(Path(__file__).with_name("words.json").read_bytes())
CATEGORIES = {category.name: category for category in WORDS.categories}


def pick(rng: np.random.Generator, values: Sequence[T]) -> T:
    """Draw one of the values."""
    return values[int(rng.integers(len(values)))]


def others(value: T, values: Sequence[T]) -> list[T]:
    """Return the values other than this one."""
    return [other for other in values if other != value]


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with this probability."""
    return bool(rng.random() < probability)
