"""A catalogue of very many items and pairs, of text alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from engine.disk import write_lines
from tools.preparation.demo.write import make_vocabulary, write_tokenizer

WORDS = (
    "红", "蓝", "绿", "白", "大", "中", "小", "花瓶", "水杯", "茶壶", "台灯", "背包", "帽子", "抱枕", "雨伞", "陶瓷",
    "玻璃", "帆布", "棉麻", "木质", "复古", "简约",
)  # fmt: skip
TITLE_WORDS = 6
PAIRS_AT_ONCE = 100_000


def write_items(file: Path, num_items: int, seed: int) -> None:
    """Write items of invented titles, whose ids begin with the file's stem."""
    chance = np.random.default_rng((seed, num_items))
    words = np.array(WORDS)[chance.integers(len(WORDS), size=(num_items, TITLE_WORDS))]
    ids = item_ids(file, num_items)
    write_lines(
        file,
        (
            {"item_id": item_id, "item_image_name": f"{item_id}.jpg", "title": "".join(title)}
            for item_id, title in zip(ids, words.tolist(), strict=True)
        ),
    )


def write_pairs(file: Path, items: Path, num_items: int, num_pairs: int, seed: int) -> None:
    """Write labelled pairs that name every item at least once, half of them the same product.

    `num_pairs` is at least num_items.
    """
    write_lines(file, _pairs(item_ids(items, num_items), num_pairs, np.random.default_rng((seed, num_pairs))))


def write_words(folder: Path) -> None:
    """Write a tokenizer that knows the words of the titles."""
    write_tokenizer(make_vocabulary(WORDS), folder)


def item_ids(items: Path, num_items: int) -> list[str]:
    """Return the ids of an item file that was written here."""
    return [f"{items.stem}-{number}" for number in range(num_items)]


def _pairs(ids: list[str], num_pairs: int, chance: np.random.Generator) -> Iterator[Mapping[str, str]]:
    for first in range(0, num_pairs, PAIRS_AT_ONCE):
        numbers = range(first, min(first + PAIRS_AT_ONCE, num_pairs))
        steps = chance.integers(1, len(ids), size=len(numbers)).tolist()
        for number, step in zip(numbers, steps, strict=True):
            source = number % len(ids)
            yield {
                "src_item_id": ids[source],
                "tgt_item_id": ids[(source + step) % len(ids)],
                "item_label": str(number % 2),
            }
