"""One pair at a time through the model, and what the page shows of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from data.item import Item
from engine.verifier import Verifier
from tools.views.explaining.catalogue import Catalogue
from tools.views.explaining.explain import ExplanationSettings, explain_pair
from tools.views.explaining.parts import SIDES, Effect, Explanation, Picture, Side
from tools.views.page import LONGEST_TITLE, shown
from tools.views.serving.form import EnteredPair, listing_of

SHOWN_SIZE = 384
"""Pixels of the side of a judged item's picture."""
MOST_ATTRIBUTES = 30
"""Of an item that are shown."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A pair with its verdict."""

    items: Mapping[Side, Item]
    pictures: Mapping[Side, Picture | None]
    """(SHOWN_SIZE, SHOWN_SIZE, 3), as they are shown; None where there is none that can be read."""
    explanation: Explanation

    def title_parts(self, side: Side) -> Iterator[tuple[str, Effect | None]]:
        """Yield the words of a title with their effects and what stands between them; nothing of an empty title."""
        title, done = self.items[side].title, 0
        for effect in self.explanation.of(side, "word"):
            start, end = effect.part.place
            yield title[done:start], None
            yield effect.part.name, effect
            done = end
        if rest := shown(title[done:], LONGEST_TITLE):
            yield rest, None

    def attributes(self, side: Side) -> list[tuple[str, str, Effect | None]]:
        """Return names and values of an item's attributes, those that the model reads with their effects and first."""
        values = self.items[side].attributes
        effects = {effect.part.name: effect for effect in self.explanation.of(side, "attribute")}
        names = sorted(values, key=lambda name: name not in effects)[:MOST_ATTRIBUTES]
        return [(name, ", ".join(values[name]), effects.get(name)) for name in names]


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges what is entered; requests of several users wait for each other."""

    verifier: Verifier
    catalogue: Catalogue
    settings: ExplanationSettings
    _lock: Lock = field(default_factory=Lock)

    def judge(self, entered: EnteredPair) -> Judgement:
        """Return the verdict on a pair; raises UserError saying what to enter instead."""
        with self._lock:  # around the pictures, too, which may be large
            listings = {side: listing_of(entered.sides[side], side, self.catalogue, self.verifier) for side in SIDES}
            settings = self.settings if entered.explained else None
            return Judgement(
                items={side: listing.item for side, listing in listings.items()},
                pictures={side: listing.picture_to_show(SHOWN_SIZE) for side, listing in listings.items()},
                explanation=explain_pair(self.verifier, listings["source"], listings["target"], settings),
            )
