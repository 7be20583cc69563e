"""The margin of a pair, and the margin without each part of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.item import Item
from data.item_image import BadImageError
from data.item_pair import PairTable
from engine.pair_scores import PairScores
from options.errors import UserError
from tools.views.explaining.catalogue import Listing
from tools.views.explaining.pair_model import PairModel
from tools.views.explaining.parts import (
    SIDES,
    Effect,
    Explanation,
    Part,
    Picture,
    Side,
    Verdict,
    num_words,
    with_regions_covered,
    without_attributes,
    without_title,
    without_words,
)

FINEST_GRID = 20
"""All pictures with a region covered are in memory at once: of 384 x 384 pixels, 0.35 GB with 400 regions."""


@dataclass(frozen=True, slots=True)
class ExplanationSettings:
    """How finely the items of a pair are taken apart."""

    grid: int = 6
    """Rows and columns of the regions of a picture."""
    most_words: int = 60
    """Of each title that are left out one by one."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """An item as the model gets it."""

    item: Item
    picture: Picture | None
    """None where the model reads none, and where an unreadable one counts as blank."""


def explain_pair(
    model: PairModel, source: Listing, target: Listing, settings: ExplanationSettings | None
) -> Explanation:
    """Score a pair, and again without each part of either item; without settings the verdict alone.

    Both items and all that is made of them are encoded once each, in batches, beside the other item as it is.
    Raises UserError for a picture that cannot be read, unless it counts as blank by the model's options, and for a
    finer grid than the model's pictures.
    """
    subjects = [_subject(model, listing) for listing in (source, target)]
    variants: list[tuple[Part, _Subject]] = []
    num_words_left = 0
    if settings is not None:
        check_grid(model, settings.grid)
        for side, subject in zip(SIDES, subjects, strict=True):
            variants += _variants(model, side, subject, settings)
            num_words_left += _num_words_left(model, subject.item, settings)
    scores = _scores(model, subjects, variants)
    first, *others = scores.margin.tolist()
    return Explanation(
        verdict=Verdict(
            match=float(scores.match[0]),
            threshold=float(scores.threshold[0]),
            decision_threshold=model.decision_threshold(source.item, target.item),
        ),
        effects=tuple(Effect(part, margin, margin - first) for (part, _), margin in zip(variants, others, strict=True)),
        grid=settings.grid if settings is not None else 0,
        num_words_left=num_words_left,
    )


def _subject(model: PairModel, listing: Listing) -> _Subject:
    if model.image is None:
        return _Subject(listing.item, None)
    try:
        return _Subject(listing.item, listing.picture(model.image.size))
    except BadImageError:
        if model.image.on_bad_image == "blank":
            return _Subject(listing.item, None)
        raise


def check_grid(model: PairModel, grid: int) -> None:
    """Raise UserError for a grid with more regions than are taken, or than the model's pictures have pixels."""
    if model.image is not None and grid > min(FINEST_GRID, model.image.size):
        raise UserError(
            f"a grid of {grid} x {grid} is too fine: at most {FINEST_GRID} x {FINEST_GRID} are taken, and no more than "
            f"the model's pictures have pixels, {model.image.size} x {model.image.size}"
        )


def _variants(
    model: PairModel, side: Side, subject: _Subject, settings: ExplanationSettings
) -> Iterator[tuple[Part, _Subject]]:
    """Yield the item without each part of it that the model reads."""
    item, picture = subject.item, subject.picture
    if model.reads_titles:
        for part, other in without_title(side, item):
            yield part, replace(subject, item=other)
        for part, other in without_words(side, item, settings.most_words):
            yield part, replace(subject, item=other)
    for part, other in without_attributes(side, item, model.attributes):
        yield part, replace(subject, item=other)
    if picture is not None:
        for part, covered in with_regions_covered(side, picture, settings.grid):
            yield part, replace(subject, picture=covered)


def _num_words_left(model: PairModel, item: Item, settings: ExplanationSettings) -> int:
    return max(0, num_words(item.title) - settings.most_words) if model.reads_titles else 0


def _scores(model: PairModel, subjects: Sequence[_Subject], variants: Sequence[tuple[Part, _Subject]]) -> PairScores:
    """Return the scores of the pair, then of the pair with each variant in the place of its item."""
    every = [*subjects, *(subject for _, subject in variants)]
    items = [replace(subject.item, image=str(row)) for row, subject in enumerate(every)]
    pictures = {str(row): subject.picture for row, subject in enumerate(every) if subject.picture is not None}
    places = range(2, len(every))
    source = [0, *(row if part.side == "source" else 0 for row, (part, _) in zip(places, variants, strict=True))]
    target = [1, *(row if part.side == "target" else 1 for row, (part, _) in zip(places, variants, strict=True))]
    return model.score(items, pictures, PairTable(np.array(source), np.array(target), None))
