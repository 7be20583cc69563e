"""The best F1 of each baseline on labelled pairs, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.image_store import open_images_of_any_size
from data.item import item_text
from data.item_catalog import read_items
from data.item_pair import read_pairs
from metrics.threshold import ThresholdChoice, best_f1_threshold
from tools.study.baselines.colour_similarity import colour_histograms
from tools.study.baselines.text_similarity import text_cosines


def measure_baselines(
    items_file: Path, pairs_file: Path, images_path: Path, attributes: Sequence[str]
) -> dict[str, ThresholdChoice]:
    """Return the figures of each baseline, each at the threshold that is best on these very pairs.

    Raises:
        UserError: a file is malformed or has no labels, or an image of an item that pairs name is missing or broken.
    """
    items = read_items(items_file)
    pairs = read_pairs(pairs_file, items, labelled=True)
    same: NDArray[np.bool_] = np.asarray(pairs.same, dtype=np.bool_)
    texts = [item_text(item, attributes) for item in items]
    rows, places = np.unique(np.concatenate([pairs.source, pairs.target]), return_inverse=True)
    images = open_images_of_any_size(images_path, follow_links=True)
    histograms = colour_histograms(images, (items[row].image for row in rows.tolist()))
    source, target = histograms[places.reshape(2, -1)]
    margins = {
        "all positive": np.zeros(len(pairs)),
        "TF-IDF of the text": text_cosines(texts, pairs.source, pairs.target),
        "colour histogram": (source * target).sum(axis=1),
    }
    return {name: best_f1_threshold(margin, same) for name, margin in margins.items()}


def format_table(choices: dict[str, ThresholdChoice]) -> str:
    """Return the figures as an aligned table."""
    lines = [f"{'baseline':20}{'F1':>8}{'precision':>11}{'recall':>8}{'threshold':>11}"]
    for name, choice in choices.items():
        lines.append(f"{name:20}{choice.f1:8.4f}{choice.precision:11.4f}{choice.recall:8.4f}{choice.threshold:11.4f}")
    return "\n".join(lines)
