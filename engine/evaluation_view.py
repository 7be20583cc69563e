"""What is worth looking at in an evaluation besides its figures.

Letters of shapes: B pairs, H height, W width in pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from data.item import Item
from data.item_image import BadImageError
from data.item_tensors import ItemTensors
from data.loading import Split
from metrics.verification import PrecisionRecallCurve, precision_recall_curve
from options.printable import shortened

NUM_ERRORS = 8
PICTURE_SIZE = 128
"""Width and height of each picture, in pixels."""
LONGEST_LINE = 200
"""Characters of an item's id and title that a caption shows."""
BORDER = 4
"""Pixels around each picture."""
SAME_COLOUR, DIFFERENT_COLOUR = (0, 114, 178), (213, 94, 0)
"""Of the borders: blue for pairs labelled the same, orange for different ones; told apart by the colour-blind too."""
GREY = 128


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """The margins of both labels, the precision-recall curve and the most confident errors."""

    margins: Mapping[str, NDArray[np.float64]]
    """Of the pairs labelled "same" and "different", where there are any."""
    curve: PrecisionRecallCurve
    error_caption: str
    """A paragraph of plain text a pair, in the order of the pictures; empty without errors."""
    error_pictures: NDArray[np.uint8] | None
    """(H, W, 3), a pair below the other, source to the left; None without errors or images"""


def evaluation_view(split: Split, margins: NDArray[np.float64], threshold: float) -> EvaluationView:
    """Return the view of a labelled split's B margins, its errors those at the threshold."""
    same = split.pairs.same
    assert same is not None
    errors = most_confident_errors(margins, same, threshold, NUM_ERRORS)
    captions, strips = [], []
    for pair in errors.tolist():
        source, target = split.catalog[int(split.pairs.source[pair])], split.catalog[int(split.pairs.target[pair])]
        label = "the same product" if same[pair] else "different products"
        captions.append(
            f"margin {margins[pair]:.4f} at threshold {threshold:.4f}, labelled {label}\n"
            f"{_one_line(source)}\n{_one_line(target)}"
        )
        if split.items.image is not None:
            colour = SAME_COLOUR if same[pair] else DIFFERENT_COLOUR
            strips.append(np.hstack([_framed_picture(split.items, item, colour) for item in (source, target)]))
    return EvaluationView(
        margins={label: margins[rows] for label, rows in (("same", same), ("different", ~same)) if rows.any()},
        curve=precision_recall_curve(margins, same),
        error_caption="\n\n".join(captions),
        error_pictures=np.vstack(strips) if strips else None,
    )


def most_confident_errors(
    margins: NDArray[np.float64], same: NDArray[np.bool_], threshold: float, num_errors: int
) -> NDArray[np.int64]:
    """Return the rows of the wrongly decided pairs whose margins (B,) are furthest from the threshold, that first."""
    wrong = np.flatnonzero((margins > threshold) != same)
    order = np.argsort(-np.abs(margins[wrong] - threshold), kind="stable")
    return wrong[order[:num_errors]]


def _one_line(item: Item) -> str:
    return shortened(" ".join(f"{item.item_id[:LONGEST_LINE]}: {item.title[:LONGEST_LINE]}".split()), LONGEST_LINE)


def _framed_picture(items: ItemTensors, item: Item, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    try:
        picture = items.images.read(item.image, PICTURE_SIZE)
    except BadImageError:
        # Whether an unreadable image ends the run was decided when the item was encoded.
        picture = np.full((PICTURE_SIZE, PICTURE_SIZE, 3), GREY, np.uint8)
    return np.asarray(ImageOps.expand(Image.fromarray(picture), BORDER, colour))
