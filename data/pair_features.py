"""What two listings have in common, as numbers for which no label is needed: words, model numbers, prices, attributes.

They are the same whichever item comes first. Letters of shapes: N items, B pairs, F features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from data.item import Item, clean_text
from data.shared_terms import (
    TERMS,
    Floats,
    Rarity,
    WeighedTerms,
    code_lengths,
    contained,
    longest,
    term_counts,
)
from data.stated_values import stated_attributes

MOST_NAMES = 200
"""Attributes that are compared, the most frequent ones."""
MOST_OWN = 24
"""Attributes among them that have a feature of their own."""
MOST_NUMERIC = 4
"""Attributes whose numbers are compared by their ratio."""
IS_NUMERIC = 0.8
"""Share of the items stating an attribute that have to state one number for it to count as one."""
FEWEST_NUMBERS = 20
"""Distinct numbers from which on an attribute is a quantity, and not a few choices."""
NUMBER = re.compile(r"\D{0,4}(\d+(?:\.\d+)?)\D{0,4}")
"""A number, perhaps with a unit or a currency."""
PAIRS_AT_ONCE = 8192
"""Bounds the memory."""


@dataclass(frozen=True, slots=True)
class PairFeatures:
    """Which features pairs have, as the training items tell."""

    rarity: Mapping[str, Rarity]
    """Of the terms of titles and of whole texts, by `title words`, ..., `text ngrams`."""
    names: tuple[str, ...]
    """Attributes that are compared, the most frequent first."""
    numeric: tuple[str, ...]
    """Those of them whose numbers are compared."""

    @property
    def num_texts(self) -> int:
        """Training items in which the terms were counted."""
        return next(iter(self.rarity.values())).num_texts

    @classmethod
    def of(cls, items: Iterable[Item]) -> PairFeatures:
        """Choose the features by the training items."""
        items = list(items)
        texts = item_texts(items)
        rarity = {
            f"{field} {terms}": Rarity.of(term_counts(part, terms)) for field, part in texts.items() for terms in TERMS
        }
        stated = [stated_attributes(item) for item in items]
        frequent = Counter(name for attributes in stated for name in attributes).most_common(MOST_NAMES)
        names = tuple(name for name, _ in sorted(frequent, key=lambda entry: (-entry[1], entry[0])))
        numeric = [name for name in names if _is_numeric([a[name] for a in stated if name in a])]
        return cls(rarity, names, tuple(numeric[:MOST_NUMERIC]))

    def measure(
        self,
        items: Sequence[Item],
        source: NDArray[np.int64],
        target: NDArray[np.int64],
    ) -> dict[str, Floats]:
        """Return the features of B pairs of N items, by rows (B,): (B,) each, NaN where a pair does not have one."""
        measured = MeasuredItems(self, items)
        parts = []
        for first in range(0, max(len(source), 1), PAIRS_AT_ONCE):
            part = slice(first, first + PAIRS_AT_ONCE)
            parts.append(measured.pairs(source[part], target[part]))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class MeasuredItems:
    """N items, ready for their pairs to be measured."""

    def __init__(self, features: PairFeatures, items: Sequence[Item]) -> None:
        texts = item_texts(items)
        self.terms: dict[str, WeighedTerms] = {
            f"{field} {terms}": WeighedTerms(
                term_counts(texts[field], terms), features.rarity[f"{field} {terms}"].weights()
            )
            for field in texts
            for terms in TERMS
        }
        self.lengths: dict[str, csr_matrix] = {field: code_lengths(part) for field, part in texts.items()}
        self.names = features.names
        stated = [stated_attributes(item) for item in items]
        self.values = _value_numbers(stated, features.names)
        self.numbers = {name: np.array([_number(a.get(name, ())) for a in stated]) for name in features.numeric}

    def pairs(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> dict[str, Floats]:
        """Return the features of B pairs by name: (B,) each, NaN where a pair does not have one."""
        found: dict[str, Floats] = {}
        for name, terms in self.terms.items():
            found[f"{name}: cosine"] = terms.cosines(source, target)
            measures = terms.overlap(source, target)
            if not name.endswith("ngrams"):
                measures |= terms.rarest(source, target)
            found |= {f"{name}: {measure}": values for measure, values in measures.items()}
        for terms_name in ("words", "codes"):
            title, text = self.terms[f"title {terms_name}"], self.terms[f"text {terms_name}"]
            measures = contained(title, text, source, target)
            found |= {f"title {terms_name} in text: {measure}": values for measure, values in measures.items()}
        for part, whole in (("title", "title"), ("title", "text"), ("text", "text")):
            ours, others = self.lengths[part], self.lengths[whole]
            measures = longest(ours[source], ours[target], others[source], others[target])
            found |= {f"{part} codes in {whole}: {measure}": values for measure, values in measures.items()}
        return found | self._agreements(source, target) | self._ratios(source, target)

    def _agreements(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> dict[str, Floats]:
        if not self.names:
            return {}
        both = (self.values[source] >= 0) & (self.values[target] >= 0)
        equal = both & (self.values[source] == self.values[target])
        found = {
            "attributes: number agreeing": equal.sum(axis=1).astype(np.float64),
            "attributes: number contradicting": (both & ~equal).sum(axis=1).astype(np.float64),
            "attributes: share agreeing": equal.sum(axis=1) / np.maximum(both.sum(axis=1), 1),
        }
        for place, name in enumerate(self.names[:MOST_OWN]):
            sign = np.where(equal[:, place], 1.0, -1.0)
            found[f"attribute {name}: agrees"] = np.where(both[:, place], sign, 0.0)
        return found

    def _ratios(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> dict[str, Floats]:
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithms = {name: np.log(numbers) for name, numbers in self.numbers.items()}
            return {
                f"attribute {name}: logarithm of the ratio": np.nan_to_num(
                    np.abs(values[source] - values[target]), nan=np.nan, posinf=np.nan
                )
                for name, values in logarithms.items()
            }


def item_texts(items: Sequence[Item]) -> dict[str, list[str]]:
    """Return the titles and the whole texts of items."""
    titles = [clean_text(item.title) for item in items]
    values = [" ".join(value for values in item.attributes.values() for value in values) for item in items]
    return {"title": titles, "text": [f"{title} {value}" for title, value in zip(titles, values, strict=True)]}


def _value_numbers(stated: Sequence[Mapping[str, tuple[str, ...]]], names: Sequence[str]) -> NDArray[np.int64]:
    """Return numbers that tell the values of each attribute apart, -1 where an item states none: (N, attributes)."""
    known: dict[tuple[str, ...], int] = {}
    numbers = [[known.setdefault(a[name], len(known)) if name in a else -1 for name in names] for a in stated]
    return np.array(numbers, np.int64).reshape(len(stated), len(names))


def _number(values: tuple[str, ...]) -> float:
    """Return the number that values are; NaN where they are none."""
    found = NUMBER.fullmatch(values[0]) if len(values) == 1 else None
    return float(found[1]) if found is not None else np.nan


def _is_numeric(stated: Sequence[tuple[str, ...]]) -> bool:
    numbers = np.array([_number(values) for values in stated])
    found = numbers[np.isfinite(numbers)]
    return len(found) >= IS_NUMERIC * len(numbers) and len(np.unique(found)) >= FEWEST_NUMBERS
