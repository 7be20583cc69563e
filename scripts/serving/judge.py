"""One pair at a time through the model."""

from dataclasses import dataclass, field
from threading import Lock

from scripts.explaining.catalogue import Catalogue
from scripts.explaining.explain import SIDES, ExplanationSettings, explain
from scripts.explaining.listing import Listing
from scripts.explaining.pair_model import PairModel
from scripts.explaining.part import Explanation
from scripts.serving.form import EnteredPair, listing_of

NUM_FOUND = 12
"""Items that a search shows."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A pair with its verdict."""

    source: Listing
    target: Listing
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges what is entered; requests of several users wait for each other."""

    model: PairModel
    catalogue: Catalogue
    settings: ExplanationSettings
    _lock: Lock = field(default_factory=Lock)

    def judge(self, entered: EnteredPair) -> Judgement:
        """Return the verdict on a pair; raises UserError saying what to enter instead."""
        source, target = (listing_of(entered.sides[side], side, self.catalogue, self.model) for side in SIDES)
        with self._lock:
            explanation = explain(self.model, source, target, self.settings if entered.explained else None)
        return Judgement(source, target, explanation)

    def search(self, words: str) -> list[Listing]:
        """Return the first items of the catalogue that have these words."""
        return self.catalogue.search(words, NUM_FOUND)
