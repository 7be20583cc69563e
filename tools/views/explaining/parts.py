"""Parts of the items of a pair, items without each of them, and what the margin is then.

Letters of shapes: S pixels of width and height.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.compared_text import attribute_name
from data.item import Item, clean_text
from options.printable import shortened
from tools.views.colours import Role

Side = Literal["source", "target"]
SIDES: tuple[Side, Side] = ("source", "target")
LONGEST_NAME = 40
"""Characters of a part's name that are shown."""
Picture = NDArray[np.uint8]
"""(S, S, 3), red green blue"""

_CHINESE = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = rf"[^\W_{_CHINESE}]+"
WORDS = re.compile(rf"{_RUN}(?:[-./*+_]{_RUN})*|[{_CHINESE}]")
"""Runs of letters and digits, model numbers such as XK-101 and 2.5 whole, and each Chinese or Japanese character by
itself, as BERT's tokenizers read them; punctuation is left where it is."""
Kind = Literal["title", "word", "attribute", "picture", "region"]
"""What a part is: the whole title or a word of it, an attribute with all its values, the whole picture or a cell of the
grid that is laid over it.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of one item that can be left out."""

    side: Side
    kind: Kind
    name: str
    """The word, the name of the attribute, or the place in words."""
    place: tuple[int, int] = (0, 0)
    """Of a word, its first character and the one after it in the title; of a region, its row and column, from 0."""

    @property
    def shown_name(self) -> str:
        """What the part is called, on one line; a word with its place, as a title may have it twice."""
        name = shortened(self.name, LONGEST_NAME)
        return f"{name} (character {self.place[0] + 1})" if self.kind == "word" else name


@dataclass(frozen=True, slots=True)
class Verdict:
    """The scores of a pair and the decision on it."""

    match: float
    threshold: float | None
    """The pair's own threshold score; None for a model without a threshold branch, whose margin is the match score."""
    decision_threshold: float
    """Of the margin."""

    @property
    def margin(self) -> float:
        """The decision value."""
        return self.match - (self.threshold or 0)

    def sums(self, number: Callable[[float], str], minus: str) -> str:
        """Return what the margin is made of, each number written as given."""
        own = "" if self.threshold is None else f" {minus} own threshold {number(self.threshold)}"
        return f"match {number(self.match)}{own}"

    @property
    def is_same(self) -> bool:
        """Whether the pair is decided to be the same product."""
        return self.margin > self.decision_threshold


@dataclass(frozen=True, slots=True)
class Effect:
    """What leaving out a part does."""

    part: Part
    margin: float
    """Of the pair without the part."""
    change: float
    """That margin minus the margin of the whole pair: below 0 where the part speaks for the same product."""

    @property
    def role(self) -> Role:
        """What the part speaks for, in whose colour it is shown."""
        return Role.SAME if self.change < 0 else Role.DIFFERENT

    def turns(self, verdict: Verdict) -> bool:
        """Return whether the decision without the part is another one than this verdict."""
        return (self.margin > verdict.decision_threshold) != verdict.is_same


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict, and the effect of each part of both items that the model reads."""

    verdict: Verdict
    effects: tuple[Effect, ...]
    """In the order of the items; empty where they were not asked for."""
    grid: int
    """Rows and columns of the regions of a picture."""
    num_words_left: int = 0
    """Words of the titles that were not left out, since there are too many."""

    def strongest(self, effects: Sequence[Effect] | None = None) -> list[Effect]:
        """Return the effects, all where none are given, those that move the margin most first."""
        return sorted(self.effects if effects is None else effects, key=lambda effect: -abs(effect.change))

    def of(self, side: Side, kind: Kind) -> list[Effect]:
        """Return the effects of the parts of one kind of one item."""
        return [effect for effect in self.effects if effect.part.side == side and effect.part.kind == kind]

    def largest(self, *kinds: Kind) -> float:
        """Return the largest absolute change of parts of these kinds, 0 without any: what colours are scaled by."""
        return max((abs(effect.change) for effect in self.effects if effect.part.kind in kinds), default=0.0)


def without_title_and_words(side: Side, item: Item, most: int) -> Iterator[tuple[Part, Item]]:
    """Yield the item without its title, if it has one, then without each of the first `most` words of it."""
    if clean_text(item.title).strip():
        yield Part(side, "title", "whole title"), replace(item, title="")
    for word in islice(WORDS.finditer(item.title), most):
        start, end = word.span()
        # The words on both sides do not become one.
        title = f"{item.title[:start]} {item.title[end:]}".strip()
        yield Part(side, "word", word[0], (start, end)), replace(item, title=title)


def without_attributes(side: Side, item: Item, names: Sequence[str]) -> Iterator[tuple[Part, Item]]:
    """Yield the item without each attribute that it has and the model reads, given by name, in that order."""
    order = {name: place for place, name in reversed([*enumerate(map(attribute_name, names))])}
    for name in sorted(item.attributes, key=lambda name: order.get(attribute_name(name), 0)):
        if attribute_name(name) in order:
            others = {other: values for other, values in item.attributes.items() if other != name}
            yield Part(side, "attribute", name), replace(item, attributes=others)


def with_regions_covered(side: Side, picture: Picture, grid: int) -> Iterator[tuple[Part, Picture]]:
    """Yield the picture with each cell of a grid in the picture's mean colour, row by row, then the whole of it so.

    The mean colour takes a region's detail away without putting an edge of foreign light there.
    """
    mean = picture.mean(axis=(0, 1)).round().astype(np.uint8)
    edges = [round(cell * len(picture) / grid) for cell in range(grid + 1)]
    for row, column in product(range(grid), repeat=2):
        covered = picture.copy()
        covered[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = mean
        yield Part(side, "region", f"row {row + 1}, column {column + 1}", (row, column)), covered
    yield Part(side, "picture", "whole picture"), np.broadcast_to(mean, picture.shape)
