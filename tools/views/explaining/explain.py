"""The margin of a pair, and the margin without each part of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.item import Item, names_read
from data.item_catalog import ItemCatalog
from data.item_image import BadImageError
from data.item_pair import PairTable
from engine.experiment import ExperimentOptions
from engine.pair_scores import PairScores, score_pairs
from engine.verifier import Verifier
from options.errors import UserError
from tools.views.explaining.catalogue import Listing
from tools.views.explaining.parts import (
    SIDES,
    WORDS,
    Effect,
    Explanation,
    Part,
    Picture,
    Side,
    Verdict,
    with_regions_covered,
    without_attributes,
    without_title_and_words,
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


_Subject = tuple[Item, Picture | None]
"""An item as the model gets it: without a picture where the model reads none, or an unreadable one counts as blank."""


def explain_pair(
    verifier: Verifier, source: Listing, target: Listing, settings: ExplanationSettings | None
) -> Explanation:
    """Score a pair, and again without each part of either item; without settings the verdict alone.

    Both items and all that is made of them are encoded once each, in batches, beside the other item as it is.
    Raises UserError for a picture that cannot be read, unless it counts as blank by the model's options, and for a
    finer grid than the model's pictures.
    """
    subjects = [_subject(verifier, listing) for listing in (source, target)]
    variants: list[tuple[Part, _Subject]] = []
    num_words_left = 0
    if settings is not None:
        check_grid(verifier.options, settings.grid)
        for side, subject in zip(SIDES, subjects, strict=True):
            variants += _variants(verifier, side, subject, settings)
            if reads_titles(verifier.options):
                num_words_left += max(0, len(WORDS.findall(subject[0].title)) - settings.most_words)
    scores, decision_threshold = _scores(verifier, subjects, variants)
    first, *others = scores.margin.tolist()
    return Explanation(
        verdict=Verdict(
            match=float(scores.match[0]),
            threshold=float(scores.threshold[0]) if verifier.encoder.threshold_width else None,
            decision_threshold=decision_threshold,
        ),
        effects=tuple(Effect(part, margin, margin - first) for (part, _), margin in zip(variants, others, strict=True)),
        grid=settings.grid if settings is not None else 0,
        num_words_left=num_words_left,
    )


def _subject(verifier: Verifier, listing: Listing) -> _Subject:
    image = verifier.options.data.image
    if not verifier.options.reads.image:
        return listing.item, None
    try:
        return listing.item, listing.picture(image.size)
    except BadImageError:
        if image.on_bad_image == "blank":
            return listing.item, None
        raise


def check_grid(options: ExperimentOptions, grid: int) -> None:
    """Raise UserError for a grid with more regions than are taken, or than the model's pictures have pixels."""
    size = options.data.image.size
    if options.reads.image and grid > min(FINEST_GRID, size):
        raise UserError(
            f"a grid of {grid} x {grid} is too fine: at most {FINEST_GRID} x {FINEST_GRID} are taken, and no more than "
            f"the model's pictures have pixels, {size} x {size}"
        )


def reads_titles(options: ExperimentOptions) -> bool:
    """Return whether the title of an item counts: in its text, or for what it states."""
    return options.reads.text or len(options.reads.attributes.in_title) > 0


def attribute_names(options: ExperimentOptions) -> list[str]:
    """Return what tells a user which attributes a model reads."""
    if options.reads.text and options.data.text.attributes == "all":
        return ["every attribute"]
    return [*(options.data.text.attributes if options.reads.text else ()), *options.reads.attributes.names]


def read_attributes(options: ExperimentOptions, item: Item) -> list[str]:
    """Return the names of the attributes of an item that a model reads, in its text or by themselves."""
    reads = options.reads
    return [*(names_read(item, options.data.text.attributes) if reads.text else ()), *reads.attributes.names]


def _variants(
    verifier: Verifier, side: Side, subject: _Subject, settings: ExplanationSettings
) -> Iterator[tuple[Part, _Subject]]:
    """Yield the item without each part of it that the model reads."""
    item, picture = subject
    if reads_titles(verifier.options):
        for part, other in without_title_and_words(side, item, settings.most_words):
            yield part, (other, picture)
    for part, other in without_attributes(side, item, read_attributes(verifier.options, item)):
        yield part, (other, picture)
    if picture is not None:
        for part, covered in with_regions_covered(side, picture, settings.grid):
            yield part, (item, covered)


def _scores(
    verifier: Verifier, subjects: Sequence[_Subject], variants: Sequence[tuple[Part, _Subject]]
) -> tuple[PairScores, float]:
    """Return the scores of the pair, then of the pair with each variant in the place of its item.

    Beside them, the margin above which the pair as it is would be the same product.
    """
    every = [*subjects, *(subject for _, subject in variants)]
    items = [replace(item, image=str(row)) for row, (item, _) in enumerate(every)]
    pictures = {str(row): picture for row, (_, picture) in enumerate(every) if picture is not None}
    places = range(2, len(every))
    source = [0, *(row if part.side == "source" else 0 for row, (part, _) in zip(places, variants, strict=True))]
    target = [1, *(row if part.side == "target" else 1 for row, (part, _) in zip(places, variants, strict=True))]
    # A picture that is not there counts as blank by now, or has ended it.
    tensors = verifier.tensors(ItemCatalog(items), pictures, blank_bad_images=True)
    tensors = verifier.with_features(tensors)
    encoded = verifier.encode_tensors(tensors, show_progress=True)
    pairs = PairTable(np.array(source), np.array(target), None)
    scores = score_pairs(encoded, pairs, verifier.encoder.threshold_width)
    pair = PairTable(pairs.source[:1], pairs.target[:1], None)
    return scores, float(verifier.decisions(tensors, pair, scores.margin[:1]).margin_threshold[0])
