from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.image_store import ImageFolder
from data.item_catalog import ItemCatalog
from data.item_image import find_image, read_image
from data.loading import Split, load_split
from data.options import DataOptions, Modalities
from engine.evaluation_view import (
    BORDER,
    DIFFERENT_COLOUR,
    GREY,
    NUM_ERRORS,
    PICTURE_SIZE,
    SAME_COLOUR,
    evaluation_view,
    most_confident_errors,
)
from metrics.verification import precision_recall_curve
from tests.tiny_data import data_options

FRAMED = PICTURE_SIZE + 2 * BORDER
INSIDE = slice(BORDER, BORDER + PICTURE_SIZE)


@pytest.fixture(scope="module")
def split(tiny_dataset: Path) -> Split:
    data = DataOptions.model_validate(data_options(tiny_dataset), strict=False)
    assert data.val is not None
    return load_split(data.val, data, Modalities(text=False, image=True), labelled=True)


@pytest.fixture
def margins(split: Split) -> np.ndarray:
    """Margins of which two are wrong at threshold 1: pair 3, the same, and pair 40, different and more so."""
    assert split.pairs.same is not None
    margins = np.where(split.pairs.same, 2.0, 0.0)
    margins[3], margins[40] = 0.5, 4.0
    assert split.pairs.same[3]
    assert not split.pairs.same[40]
    return margins


def test_errors_come_by_their_distance_from_the_threshold_and_right_pairs_not_at_all() -> None:
    margins = np.array([5.0, -9.0, 1.0, 0.5, -0.5, 0.25])
    same = np.array([False, True, True, False, False, True])
    assert most_confident_errors(margins, same, 0.5, 8).tolist() == [1, 0, 5]
    assert most_confident_errors(margins, same, 0.5, 2).tolist() == [1, 0]


def test_a_margin_at_the_threshold_is_decided_as_different() -> None:
    assert most_confident_errors(np.array([0.5, 0.5]), np.array([True, False]), 0.5, 8).tolist() == [0]


def test_the_view_parts_the_margins_by_label(split: Split, margins: np.ndarray) -> None:
    view = evaluation_view(split, margins, 1.0)
    assert sorted(view.margins["same"].tolist()) == [0.5] + [2.0] * 19
    assert sorted(view.margins["different"].tolist()) == [0.0] * 39 + [4.0]
    expected = precision_recall_curve(margins, split.pairs.same)
    assert np.array_equal(view.curve.precision, expected.precision)


def test_pictures_of_an_error_stand_side_by_side_in_a_border_of_their_labels_colour(
    split: Split, margins: np.ndarray
) -> None:
    pictures = evaluation_view(split, margins, 1.0).error_pictures
    assert pictures is not None
    assert pictures.shape == (2 * FRAMED, 2 * FRAMED, 3)
    for row, (pair, colour) in enumerate([(40, DIFFERENT_COLOUR), (3, SAME_COLOUR)]):
        for column, item in enumerate((split.pairs.source[pair], split.pairs.target[pair])):
            framed = pictures[row * FRAMED : (row + 1) * FRAMED, column * FRAMED : (column + 1) * FRAMED]
            file = find_image(split.items.images.path, split.catalog[int(item)].image)
            assert np.array_equal(framed[INSIDE, INSIDE], read_image(file, PICTURE_SIZE))
            assert (framed[0] == colour).all()
            assert (framed[:, -1] == colour).all()


def test_the_caption_has_margin_label_ids_and_titles(split: Split, margins: np.ndarray) -> None:
    first, second = evaluation_view(split, margins, 1.0).error_caption.split("\n\n")
    source, target = (split.catalog[int(rows[40])] for rows in (split.pairs.source, split.pairs.target))
    assert first.splitlines() == [
        "margin 4.0000 at threshold 1.0000, labelled different products",
        f"{source.item_id}: {source.title}",
        f"{target.item_id}: {target.title}",
    ]
    assert second.startswith("margin 0.5000 at threshold 1.0000, labelled the same product\n")


def test_hostile_ids_and_titles_are_shown_short_and_written_out(split: Split, margins: np.ndarray) -> None:
    items = [replace(item, title="\x1b[2J\u202e\n#<b>" + "花" * 100_000) for item in split.catalog]
    hostile = replace(split, catalog=ItemCatalog(items))
    caption = evaluation_view(hostile, margins, 0.0).error_caption
    assert len(caption) < 10_000
    assert "\\x1b[2J\\u202e #<b>花花" in caption
    assert not {"\x1b", "\u202e"} & set(caption)


def test_no_more_errors_are_shown_than_can_be_looked_at(split: Split) -> None:
    view = evaluation_view(split, np.ones(len(split.pairs)), 0.0)
    assert len(view.error_caption.split("\n\n")) == NUM_ERRORS
    assert view.error_pictures is not None
    assert len(view.error_pictures) == NUM_ERRORS * FRAMED


def test_without_errors_there_is_nothing_to_show(split: Split) -> None:
    assert split.pairs.same is not None
    view = evaluation_view(split, split.pairs.same.astype(float), 0.5)
    assert view.error_pictures is None
    assert view.error_caption == ""


def test_a_model_of_texts_alone_reads_no_image(split: Split, margins: np.ndarray) -> None:
    of_text = replace(split, items=replace(split.items, image=None, images=ImageFolder(Path("nowhere"))))
    view = evaluation_view(of_text, margins, 1.0)
    assert view.error_pictures is None
    assert view.error_caption


def test_an_unreadable_image_is_grey(split: Split, margins: np.ndarray) -> None:
    elsewhere = replace(split, items=replace(split.items, images=ImageFolder(Path("nowhere"))))
    pictures = evaluation_view(elsewhere, margins, 1.0).error_pictures
    assert pictures is not None
    assert (pictures[INSIDE, INSIDE] == GREY).all()
