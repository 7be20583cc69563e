"""The pairs of a report: which are shown with their pictures, how their texts differ, and all as compact columns."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from data.item import Item
from engine.evaluation_view import most_confident_errors
from tools.views.page import LONGEST_TITLE, LONGEST_VALUE, shown
from tools.views.reporting.report_data import ReportData

SIGNIFICANT = 5
"""Digits of a score."""
MOST_ATTRIBUTES = 30
"""Of a pair; those that differ come first."""
WORDS = re.compile(r"[^\W_\u3040-\u9fff]+|\s+|.", re.DOTALL)
"""Words and numbers, each Chinese character by itself."""

Segment = tuple[str, bool]
"""A part of a text, and whether the other text lacks it."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Rows of the pairs of each group, in the order in which they are shown."""

    errors: NDArray[np.int64]
    """Wrongly decided, the most confident first."""
    uncertain: NDArray[np.int64]
    """Nearest to the threshold first, right or wrong."""
    correct: NDArray[np.int64]
    """Rightly decided, evenly spread over the margins from high to low."""

    def rows(self) -> list[int]:
        """Return the distinct rows of all groups, ascending."""
        return sorted({int(row) for group in (self.errors, self.uncertain, self.correct) for row in group})


@dataclass(frozen=True, slots=True)
class AttributeRow:
    """An attribute of either item of a pair; a value is empty where the item lacks it."""

    name: str
    source: str
    target: str
    differs: bool
    """Whether the two values are not equal, perhaps where they are cut off."""


def choose_gallery(data: ReportData, num_each: int) -> Gallery:
    """Choose at most `num_each` pairs of each group."""
    margins = data.pairs.margin
    nearest = np.argsort(np.abs(margins - data.calibrated_threshold), kind="stable")
    right = np.flatnonzero(data.is_right)
    right = right[np.argsort(-margins[right], kind="stable")]
    spread = np.unique(np.linspace(0, len(right) - 1, min(num_each, len(right))).round().astype(np.int64))
    return Gallery(
        errors=most_confident_errors(margins, data.pairs.same, data.calibrated_threshold, num_each),
        uncertain=nearest[:num_each],
        correct=right[spread],
    )


def attribute_rows(source: Item, target: Item) -> list[AttributeRow]:
    """Return the attributes of both items, those that differ first, each in order of appearance."""
    names = list(dict.fromkeys([*source.attributes, *target.attributes]))
    differing = {name for name in names if source.attributes.get(name) != target.attributes.get(name)}
    names.sort(key=lambda name: name not in differing)
    return [
        AttributeRow(shown(name, LONGEST_VALUE), _value(source, name), _value(target, name), name in differing)
        for name in names[:MOST_ATTRIBUTES]
    ]


def title_segments(source: str, target: str) -> tuple[list[Segment], list[Segment]]:
    """Return both titles, shortened, in parts that the other has at that place and parts that it lacks."""
    ours, theirs = WORDS.findall(shown(source, LONGEST_TITLE)), WORDS.findall(shown(target, LONGEST_TITLE))
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return (
        _segments(ours, [(block.a, block.a + block.size) for block in blocks]),
        _segments(theirs, [(block.b, block.b + block.size) for block in blocks]),
    )


def _value(item: Item, name: str) -> str:
    return shown(", ".join(item.attributes.get(name, ())), LONGEST_VALUE)


def _segments(words: Sequence[str], shared: Sequence[tuple[int, int]]) -> list[Segment]:
    segments: list[Segment] = []
    done = 0
    for start, end in shared:
        segments += [("".join(words[done:start]), True), ("".join(words[start:end]), False)]
        done = end
    # A missing space is nothing to point at.
    return [(part, differs and not part.isspace()) for part, differs in segments if part]


def pair_records(data: ReportData, gallery: Gallery, pictures: Mapping[int, str]) -> dict[str, object]:
    """Return what the page's script reads: items, pairs, and the cards of the gallery, each by position."""
    pairs = data.pairs
    categories: dict[str, int] = {}
    kinds: dict[str, int] = {}
    items = list(data.catalog)
    return {
        "threshold": data.calibrated_threshold,
        "items": {
            "id": [shown(item.item_id, LONGEST_VALUE) for item in items],
            "title": [shown(item.title, LONGEST_TITLE) for item in items],
            "category": [_place(categories, item.category) for item in items],
        },
        "categories": list(categories),
        "pairs": {
            "source": pairs.source.tolist(),
            "target": pairs.target.tolist(),
            # As text, a digit each, and decided here, since rounded margins may cross the threshold.
            "same": _digits(pairs.same),
            "decided": _digits(data.decided_same),
            "match": rounded(pairs.match),
            "threshold": rounded(pairs.threshold),
            "margin": rounded(pairs.margin),
            "kind": [_place(kinds, kind) for kind in pairs.kinds or ()],
        },
        "kinds": list(kinds),
        "pictures": pictures,
        "groups": {
            "errors": gallery.errors.tolist(),
            "uncertain": gallery.uncertain.tolist(),
            "correct": gallery.correct.tolist(),
        },
        "cards": {str(row): _card(items[pairs.source[row]], items[pairs.target[row]]) for row in gallery.rows()},
    }


def rounded(numbers: NDArray[np.float64]) -> list[float]:
    """Return the numbers with SIGNIFICANT digits."""
    return [float(f"{number:.{SIGNIFICANT}g}") for number in numbers.tolist()]


def _place(places: dict[str, int], name: str) -> int:
    """Return the number of a name, which gets the next one where it is new."""
    return places.setdefault(shown(name, LONGEST_VALUE), len(places))


def _card(source: Item, target: Item) -> dict[str, object]:
    rows = attribute_rows(source, target)
    return {
        "titles": title_segments(source.title, target.title),
        "attributes": [[row.name, row.source, row.target, int(row.differs)] for row in rows],
    }


def _digits(flags: NDArray[np.bool_]) -> str:
    return "".join("1" if flag else "0" for flag in flags.tolist())
