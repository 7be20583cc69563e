"""TF-IDF cosine of texts over character n-grams."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NGRAM_LENGTHS = (1, 2, 3)


def text_cosines(texts: Sequence[str], source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the TF-IDF cosine of each pair of texts: (B,), from rows `source` and `target` (B,).

    The weight of an n-gram is its count times ln((1 + N) / (1 + texts that have it)) + 1, over all N texts.
    """
    counts = [count_ngrams(text) for text in texts]
    spread = Counter(ngram for count in counts for ngram in count)
    rarity = {ngram: math.log((1 + len(texts)) / (1 + number)) + 1 for ngram, number in spread.items()}
    vectors = [normalise({ngram: n * rarity[ngram] for ngram, n in count.items()}) for count in counts]
    return np.array([dot(vectors[s], vectors[t]) for s, t in zip(source, target, strict=True)])


def count_ngrams(text: str) -> Counter[str]:
    """Count the character n-grams of a text, of all lengths."""
    return Counter(text[start : start + length] for length in NGRAM_LENGTHS for start in range(len(text) - length + 1))


def normalise(vector: dict[str, float]) -> dict[str, float]:
    """Scale a sparse vector to length 1; one without entries stays so."""
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {key: value / length for key, value in vector.items()}


def dot(one: dict[str, float], other: dict[str, float]) -> float:
    """Return the dot product of two sparse vectors."""
    return sum(value * other[key] for key, value in one.items() if key in other)
