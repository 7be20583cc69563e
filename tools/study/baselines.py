"""What pairs can be told apart by without any learning, for every model to surpass.

Letters of shapes: B pairs, N items or pictures.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from tqdm import tqdm

from data.image_store import ImageSource, open_images_of_any_size
from data.item import item_text
from data.item_catalog import read_items
from data.item_pair import read_pairs
from data.options import ReadAttributes
from metrics.threshold import ThresholdChoice, best_f1_threshold
from options.table import aligned_rows

NGRAM_LENGTHS = (1, 2, 3)
"""Characters of the parts of texts that are counted."""
BINS = 4
"""Bins of each of red, green and blue."""
SIDE = 64
"""Pixels a side to which pictures are resized before counting."""


def measure_baselines(
    items_file: Path, pairs_file: Path, images_path: Path | None, attributes: ReadAttributes
) -> dict[str, ThresholdChoice]:
    """Return the figures of each baseline, each at the threshold that is best on these very pairs.

    Those of texts and of pictures are left out where no item has any.

    Raises:
        UserError: a file is malformed or has no labels, or an image of an item that pairs name is missing or broken.
    """
    items = read_items(items_file, has_images=False)
    pairs = read_pairs(pairs_file, items, labelled=True)
    same: NDArray[np.bool_] = np.asarray(pairs.same, dtype=np.bool_)
    texts = [item_text(item, attributes) for item in items]
    margins = {"all positive": np.zeros(len(pairs))}
    if any(texts):
        margins["TF-IDF of the text"] = text_cosines(texts, pairs.source, pairs.target)
    rows, places = np.unique(np.concatenate([pairs.source, pairs.target]), return_inverse=True)
    names = [items[row].image for row in rows.tolist()]
    if images_path is not None and any(names):
        histograms = colour_histograms(open_images_of_any_size(images_path, follow_links=True), names)
        source, target = histograms[places.reshape(2, -1)]
        margins["colour histogram"] = (source * target).sum(axis=1)
    return {name: best_f1_threshold(margin, same) for name, margin in margins.items()}


def baseline_table(choices: Mapping[str, ThresholdChoice]) -> str:
    """Return the figures as an aligned table."""
    rows = [["baseline", "best possible F1", "precision there", "recall", "threshold"]]
    for name, choice in choices.items():
        figures = (choice.f1, choice.precision, choice.recall, choice.threshold)
        rows.append([name, *(f"{figure:.4f}" for figure in figures)])
    return aligned_rows(rows)


def text_cosines(texts: Sequence[str], source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the TF-IDF cosine of each pair of N texts: (B,), from rows `source` and `target` (B,).

    The weight of an n-gram is its count times ln((1 + N) / (1 + texts that have it)) + 1; a text without any is like
    none, itself included.
    """
    if not any(texts):
        return np.zeros(len(source))  # the library refuses texts without a single n-gram
    vectors = TfidfVectorizer(analyzer=_ngrams).fit_transform(texts)
    cosines: NDArray[np.float64] = np.asarray(vectors[source].multiply(vectors[target]).sum(axis=1)).ravel()
    return cosines


def _ngrams(text: str) -> list[str]:
    """Return all n-grams; those of the library's "char" are of a text whose spaces in a row are made one."""
    return [text[start : start + length] for length in NGRAM_LENGTHS for start in range(len(text) - length + 1)]


def colour_histograms(images: ImageSource, names: Iterable[str]) -> NDArray[np.float64]:
    """Return the histogram of each picture, of length 1: (N, 64); raises BadImageError for one that is unreadable."""
    shown = tqdm(list(names), unit="image", desc="histograms")
    return np.stack([colour_histogram(images.read(name, SIDE)) for name in shown])


def colour_histogram(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the square roots of the shares of 4 x 4 x 4 colours in the middle of a picture: (64,), length 1.

    The picture is (SIDE, SIDE, 3). The middle half of height and width holds the product rather than its background.
    Square roots (the cosine is then Bhattacharyya's coefficient) keep the largest area from deciding alone.
    """
    pixels = picture.astype(np.int64) * BINS // 256
    middle = pixels[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4]
    cells = (middle[..., 0] * BINS + middle[..., 1]) * BINS + middle[..., 2]
    counts = np.bincount(cells.ravel(), minlength=BINS**3)
    roots: NDArray[np.float64] = np.sqrt(counts / counts.sum())
    return roots
