"""An item without parts of its text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from data.attributes import clean_text
from data.item import Item
from tools.views.explaining.parts import Kind, Part, Side

_CHINESE = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = rf"[^\W_{_CHINESE}]+"
WORDS = re.compile(rf"{_RUN}(?:[-./*+_]{_RUN})*|[{_CHINESE}]")
"""Runs of letters and digits, model numbers such as XK-101 and 2.5 whole, and each Chinese or Japanese character by
itself, as BERT's tokenizers read them; punctuation is left where it is."""


def num_words(title: str) -> int:
    """Return the number of words of a title."""
    return sum(1 for _ in WORDS.finditer(title))


def without_words(side: Side, item: Item, most: int) -> Iterator[tuple[Part, Item]]:
    """Yield the item without each of the first `most` words of its title."""
    for word, _ in zip(WORDS.finditer(item.title), range(most), strict=False):
        start, end = word.span()
        # The words on both sides do not become one.
        title = f"{item.title[:start]} {item.title[end:]}".strip()
        yield Part(side, Kind.WORD, word[0], (start, end)), replace(item, title=title)


def without_title(side: Side, item: Item) -> Iterator[tuple[Part, Item]]:
    """Yield the item without its title, if it has one."""
    if clean_text(item.title).strip():
        yield Part(side, Kind.TITLE, "whole title"), replace(item, title="")


def without_attributes(side: Side, item: Item, names: Sequence[str]) -> Iterator[tuple[Part, Item]]:
    """Yield the item without each attribute that it has and the model reads, given by name, in that order."""
    for name in dict.fromkeys(map(clean_text, names)):
        if name in item.attributes:
            others = {other: values for other, values in item.attributes.items() if other != name}
            yield Part(side, Kind.ATTRIBUTE, name), replace(item, attributes=others)
