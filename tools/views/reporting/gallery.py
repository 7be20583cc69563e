"""The pairs of a report: which are shown with their pictures, how their texts differ, and all as compact columns."""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from data.item import Item
from data.stated_values import stated_values
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


AttributeRow = tuple[str, str, str, bool]
"""Name of an attribute and its values of source and target, empty where the item lacks it; and whether these are not
equal, perhaps where they are cut off.
"""


def choose_gallery(data: ReportData, num_each: int) -> dict[str, list[int]]:
    """Return the rows of at most `num_each` pairs of each group, in the order in which they are shown.

    The `errors` are wrongly decided, the most confident first; the `uncertain` are nearest to the threshold, right or
    wrong; the `correct` are rightly decided, evenly spread over the margins from high to low.
    """
    margins = data.pairs.margin
    nearest = np.argsort(np.abs(margins - data.calibrated_threshold), kind="stable")
    right = np.flatnonzero(data.is_right)
    right = right[np.argsort(-margins[right], kind="stable")]
    spread = np.unique(np.linspace(0, len(right) - 1, min(num_each, len(right))).round().astype(np.int64))
    errors = most_confident_errors(margins, data.pairs.same, data.calibrated_threshold, num_each)
    groups = {"errors": errors, "uncertain": nearest[:num_each], "correct": right[spread]}
    return {name: rows.tolist() for name, rows in groups.items()}


def gallery_rows(gallery: Mapping[str, Sequence[int]]) -> list[int]:
    """Return the distinct rows of all groups, ascending."""
    return sorted(set(chain.from_iterable(gallery.values())))


def attribute_rows(source: Item, target: Item) -> list[AttributeRow]:
    """Return the attributes of both items, those that differ first, each in order of appearance."""
    names = list(dict.fromkeys([*source.attributes, *target.attributes]))
    differing = {name for name in names if _stated(source, name) != _stated(target, name)}
    names.sort(key=lambda name: name not in differing)
    return [
        (shown(name, LONGEST_VALUE), _value(source, name), _value(target, name), name in differing)
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


def _stated(item: Item, name: str) -> tuple[str, ...]:
    return stated_values(item.attributes.get(name, ()))


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


def pair_records(
    data: ReportData, gallery: Mapping[str, Sequence[int]], pictures: Mapping[int, str]
) -> dict[str, object]:
    """Return what the page's script reads: items, pairs, and the cards of the gallery, each by position."""
    pairs, items = data.pairs, list(data.catalog)
    categories, category_of = _numbered(pairs.categories)
    kinds, kind_of = _numbered(data.kinds or ())
    return {
        "threshold": data.calibrated_threshold,
        "items": {
            "id": [shown(item.item_id, LONGEST_VALUE) for item in items],
            "title": [shown(item.title, LONGEST_TITLE) for item in items],
            "category": category_of,
        },
        "categories": categories,
        "pairs": {
            "source": pairs.source.tolist(),
            "target": pairs.target.tolist(),
            # As text, a digit each, and decided here, since rounded margins may cross the threshold.
            "same": "".join(np.where(pairs.same, "1", "0")),
            "decided": "".join(np.where(data.decided_same, "1", "0")),
            "match": rounded(pairs.match),
            "threshold": rounded(pairs.threshold) if data.has_thresholds else [],
            "margin": rounded(pairs.margin),
            "kind": kind_of,
        },
        "kinds": kinds,
        "pictures": pictures,
        "groups": gallery,
        "cards": {row: _card(items[pairs.source[row]], items[pairs.target[row]]) for row in gallery_rows(gallery)},
    }


def rounded(numbers: NDArray[np.float64]) -> list[float]:
    """Return the numbers with SIGNIFICANT digits."""
    return [float(f"{number:.{SIGNIFICANT}g}") for number in numbers.tolist()]


def _numbered(names: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the distinct names, shortened, and the place of each name among them."""
    short = [shown(name, LONGEST_VALUE) for name in names]
    distinct = list(dict.fromkeys(short))
    places = {name: place for place, name in enumerate(distinct)}
    return distinct, [places[name] for name in short]


def _card(source: Item, target: Item) -> dict[str, object]:
    return {"titles": title_segments(source.title, target.title), "attributes": attribute_rows(source, target)}
