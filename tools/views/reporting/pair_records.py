"""All pairs of a report as compact JSON, columns instead of records, for the page's script."""

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data.item import Item
from tools.views.reporting.gallery import LONGEST_TITLE, LONGEST_VALUE, Gallery, attribute_rows, shown, title_segments
from tools.views.reporting.report_data import ReportData

SIGNIFICANT = 5
"""Digits of a score."""


def pair_records(data: ReportData, gallery: Gallery, pictures: Mapping[int, str]) -> dict[str, object]:
    """Return what the page's script reads: items, pairs, and the cards of the gallery, each by position."""
    pairs = data.pairs
    categories = _Names()
    kinds = _Names()
    items = list(data.catalog)
    return {
        "threshold": data.calibrated_threshold,
        "items": {
            "id": [shown(item.item_id, LONGEST_VALUE) for item in items],
            "title": [shown(item.title, LONGEST_TITLE) for item in items],
            "category": [categories.place(shown(item.category, LONGEST_VALUE)) for item in items],
        },
        "categories": categories.names,
        "pairs": {
            "source": pairs.source.tolist(),
            "target": pairs.target.tolist(),
            # As text, a digit each, and decided here, since rounded margins may cross the threshold.
            "same": _digits(pairs.same),
            "decided": _digits(data.decided_same),
            "match": rounded(pairs.match),
            "threshold": rounded(pairs.threshold),
            "margin": rounded(pairs.margin),
            "kind": [kinds.place(shown(kind, LONGEST_VALUE)) for kind in pairs.kinds or ()],
        },
        "kinds": kinds.names,
        "pictures": pictures,
        "groups": {
            "errors": gallery.errors.tolist(),
            "uncertain": gallery.uncertain.tolist(),
            "correct": gallery.correct.tolist(),
        },
        "cards": {str(row): _card(items[pairs.source[row]], items[pairs.target[row]]) for row in gallery.rows()},
    }


def script_json(content: Mapping[str, object]) -> str:
    """Return JSON that may stand in a script element of type application/json: no character can end the element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def rounded(numbers: NDArray[np.float64]) -> list[float]:
    """Return the numbers with SIGNIFICANT digits."""
    return [float(f"{number:.{SIGNIFICANT}g}") for number in numbers.tolist()]


class _Names:
    """Distinct names, numbered as they come."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, name: str) -> int:
        """Return the number of a name."""
        if name not in self._places:
            self._places[name] = len(self.names)
            self.names.append(name)
        return self._places[name]


def _card(source: Item, target: Item) -> dict[str, object]:
    rows = attribute_rows(source, target)
    return {
        "titles": title_segments(source.title, target.title),
        "attributes": [[row.name, row.source, row.target, int(row.differs)] for row in rows],
    }


def _digits(flags: NDArray[np.bool_]) -> str:
    return "".join("1" if flag else "0" for flag in flags.tolist())
