"""One pair at a time through the model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from data.item import Item
from engine.verifier import Verifier
from tools.views.explaining.catalogue import Catalogue, Listing
from tools.views.explaining.explain import ExplanationSettings, explain_pair
from tools.views.explaining.parts import SIDES, Explanation, Picture, Side
from tools.views.serving.form import EnteredPair, listing_of

NUM_FOUND = 12
"""Items that a search shows."""
SHOWN_SIZE = 384
"""Pixels of the side of a judged item's picture."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A pair with its verdict."""

    items: Mapping[Side, Item]
    pictures: Mapping[Side, Picture | None]
    """(SHOWN_SIZE, SHOWN_SIZE, 3), as they are shown; None where there is none that can be read."""
    explanation: Explanation


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
            source, target = (listing_of(entered.sides[side], side, self.catalogue, self.verifier) for side in SIDES)
            explanation = explain_pair(self.verifier, source, target, self.settings if entered.explained else None)
            listings = {"source": source, "target": target}
            return Judgement(
                items={side: listings[side].item for side in SIDES},
                pictures={side: listings[side].picture_to_show(SHOWN_SIZE) for side in SIDES},
                explanation=explanation,
            )

    def search(self, words: str) -> list[Listing]:
        """Return the first items of the catalogue that have these words."""
        return self.catalogue.search(words, NUM_FOUND)
