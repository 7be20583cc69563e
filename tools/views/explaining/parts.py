"""Parts of the items of a pair, and what the margin is without each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Side = Literal["source", "target"]


class Kind(StrEnum):
    """What a part is."""

    TITLE = "title"
    """The whole title."""
    WORD = "word"
    """A word of the title."""
    ATTRIBUTE = "attribute"
    """An attribute with all its values."""
    PICTURE = "picture"
    """The whole picture."""
    REGION = "region"
    """A cell of the grid that is laid over the picture."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of one item that can be left out."""

    side: Side
    kind: Kind
    name: str
    """The word, the name of the attribute, or the place in words."""
    place: tuple[int, int] = (0, 0)
    """Of a word, its first character and the one after it in the title; of a region, its row and column, from 0."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What leaving out a part does."""

    part: Part
    margin: float
    """Of the pair without the part."""
    change: float
    """That margin minus the margin of the whole pair: below 0 where the part speaks for the same product."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The scores of a pair and the decision on it."""

    match: float
    threshold: float
    """The pair's own threshold score."""
    decision_threshold: float
    """Of the margin."""

    @property
    def margin(self) -> float:
        """The decision value."""
        return self.match - self.threshold

    @property
    def is_same(self) -> bool:
        """Whether the pair is decided to be the same product."""
        return self.margin > self.decision_threshold


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

    def strongest(self) -> list[Effect]:
        """Return the effects, those that move the margin most first."""
        return sorted(self.effects, key=lambda effect: -abs(effect.change))

    def of(self, side: Side, kind: Kind) -> list[Effect]:
        """Return the effects of the parts of one kind of one item."""
        return [effect for effect in self.effects if effect.part.side == side and effect.part.kind == kind]

    def largest(self, *kinds: Kind) -> float:
        """Return the largest absolute change of parts of these kinds, 0 without any: what colours are scaled by."""
        return max((abs(effect.change) for effect in self.effects if effect.part.kind in kinds), default=0.0)
