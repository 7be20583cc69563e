"""Count how many items have each attribute."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from data.item import parse_attributes
from data.jsonl import read_records, text_field
from options.errors import UserError


def count_attributes(files: Sequence[Path]) -> tuple[Counter[str], int]:
    """Return the number of items that have each attribute name, and the number of items.

    Items are read one at a time; an item that repeats a name counts once for it.

    Raises:
        UserError: a file cannot be read, a line is malformed, or no item has any attribute.
    """
    counts: Counter[str] = Counter()
    num_items = 0
    for file in files:
        for number, record in tqdm(read_records(file), desc=file.name, unit="item"):
            pvs = (text_field(file, number, record, key) for key in ("item_pvs", "sku_pvs"))
            counts.update(parse_attributes(*pvs).keys())
            num_items += 1
    if not counts:
        raise UserError(f"{files[0]}: no item has any attribute in item_pvs or sku_pvs")
    return counts, num_items


def most_frequent(counts: Counter[str], top: int) -> list[tuple[str, int]]:
    """Return the most frequent names with their counts, equal counts in the order of the names."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:top]


def option_line(names: Iterable[str]) -> str:
    """Return names as the line of an option file that is data.text.attributes."""
    # A JSON string is a YAML string, whatever signs a name holds.
    return "attributes: [" + ", ".join(json.dumps(name, ensure_ascii=False) for name in names) + "]"
