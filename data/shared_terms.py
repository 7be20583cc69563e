"""What the texts of two items share, by the terms that they consist of and how rare these are.

Letters of shapes: N texts, B pairs, H hash buckets, F features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import FeatureHasher

Floats = NDArray[np.float64]
NUM_BUCKETS = 2**20
"""Hash buckets of terms: so many that two terms of a pair hardly ever share one."""
IDEOGRAPH = r"\u3040-\u30ff\u3400-\u9fff"
"""Characters of scripts that put no blanks between words."""
WORD = re.compile(rf"[{IDEOGRAPH}]+|[^\W_{IDEOGRAPH}]+")
CODE = re.compile(r"(?=\S*\d)[^\s,;:()\[\]/|]+")
NO_LETTER = re.compile(r"[\W_]")
NGRAM_LENGTHS = (2, 3, 4, 5)


def words(text: str) -> list[str]:
    """Return the words of a text; of scripts without blanks, each two characters in a row."""
    found = []
    for word in WORD.findall(text):
        is_unspaced = re.match(rf"[{IDEOGRAPH}]", word) is not None and len(word) > 2
        found += [word[at : at + 2] for at in range(len(word) - 1)] if is_unspaced else [word]
    return found


def codes(text: str) -> list[str]:
    """Return the words that have a digit, of their letters and digits alone: most model numbers, sizes and counts."""
    return [code for found in CODE.findall(text) if (code := NO_LETTER.sub("", found))]


def ngrams(text: str) -> list[str]:
    """Return the parts of 2 to 5 characters of each word between blanks, its borders among them."""
    bounded = [f" {word} " for word in text.split()]
    return [word[at : at + n] for word in bounded for n in NGRAM_LENGTHS for at in range(len(word) - n + 1)]


TERMS: Mapping[str, Callable[[str], list[str]]] = {"words": words, "codes": codes, "ngrams": ngrams}


def hashed(counts: Iterable[Mapping[str, float]]) -> csr_matrix:
    """Return the numbers of the terms of N texts by bucket: (N, H)."""
    # Bytes, for half a character in a text cannot be written as UTF-8; and nothing at all cannot be hashed.
    terms = [[(term.encode("utf-8", "surrogatepass"), number) for term, number in text.items()] for text in counts]
    if not terms:
        return csr_matrix((0, NUM_BUCKETS))
    return FeatureHasher(NUM_BUCKETS, input_type="pair", alternate_sign=False).transform(terms).tocsr()


@dataclass(frozen=True, slots=True)
class Rarity:
    """How many of the texts that it was counted in have a term."""

    num_texts: int
    bucket: NDArray[np.int32]
    """Ascending, those that occur"""
    count: NDArray[np.int32]
    """Texts that have a term of the bucket"""

    @classmethod
    def of(cls, counts: csr_matrix) -> Rarity:
        """Count in texts (N, H)."""
        bucket, count = np.unique(counts.indices, return_counts=True)
        return cls(counts.shape[0], bucket.astype(np.int32), count.astype(np.int32))

    def weights(self) -> Floats:
        """Return ln((1 + N) / (1 + texts that have it)) + 1 of each bucket: (H,)."""
        counts = np.zeros(NUM_BUCKETS)
        counts[self.bucket] = self.count
        return np.log((1 + self.num_texts) / (1 + counts)) + 1.0


class WeighedTerms:
    """The terms of N texts, weighed by their rarity."""

    def __init__(self, counts: csr_matrix, weights: Floats) -> None:
        """Take the numbers (N, H) and the weights (H,) of the terms."""
        self.present = _with_data(counts, np.ones_like(counts.data))
        self.weighed = _with_data(counts, weights[counts.indices])
        tf_idf = _with_data(counts, (1 + np.log(counts.data)) * weights[counts.indices])
        lengths = np.sqrt(_sums(tf_idf.multiply(tf_idf)))
        self.directions = _with_data(tf_idf, tf_idf.data / np.repeat(lengths, np.diff(tf_idf.indptr)))
        self.total = _sums(self.weighed)
        self.number = _sums(self.present)

    def cosines(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> Floats:
        """Return the TF-IDF cosine of B pairs: (B,)."""
        return _sums(self.directions[source].multiply(self.directions[target]))

    def overlap(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> dict[str, Floats]:
        """Return which part of the weight of the lighter and of the heavier text both have: (B,) each.

        NaN where a text has no terms.
        """
        shared = _sums(self.weighed[source].multiply(self.present[target]))
        lighter, heavier = _ascending(self.total[source], self.total[target])
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"of lighter": shared / lighter, "of heavier": shared / heavier}

    def rarest(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> dict[str, Floats]:
        """Return weights of the rarest terms, and numbers of terms, that both texts or one alone have: (B,) each."""
        shared = self.weighed[source].multiply(self.present[target]).tocsr()
        back = self.weighed[target].multiply(self.present[source]).tocsr()
        less, more = _ascending(_largest(self.weighed[source] - shared), _largest(self.weighed[target] - back))
        return {
            "rarest of both": _largest(shared),
            "rarest of one": more,
            "rarest of the other": less,
            "number of both": _sums(self.present[source].multiply(self.present[target])),
            "difference of numbers": np.abs(self.number[source] - self.number[target]),
        }


def contained(
    part: WeighedTerms, whole: WeighedTerms, source: NDArray[np.int64], target: NDArray[np.int64]
) -> dict[str, Floats]:
    """Return which part of one side's weight the other side's text has, both ways: (B,) each, NaN without terms."""
    with np.errstate(invalid="ignore", divide="ignore"):
        there = _sums(part.weighed[source].multiply(whole.present[target])) / part.total[source]
        back = _sums(part.weighed[target].multiply(whole.present[source])) / part.total[target]
    less, more = np.fmin(there, back), np.fmax(there, back)
    return {"less contained": less, "more contained": more}


def longest(
    source: csr_matrix, target: csr_matrix, other_source: csr_matrix, other_target: csr_matrix
) -> dict[str, Floats]:
    """Return the length of the longest code that the other side has, and of those that it has not: (B,) each.

    Source and target (B, H) have the lengths of the codes that are looked for, the others those among which.
    """
    there = source.multiply(_with_data(other_target, np.ones_like(other_target.data))).tocsr()
    back = target.multiply(_with_data(other_source, np.ones_like(other_source.data))).tocsr()
    less, more = _ascending(_largest(source - there), _largest(target - back))
    return {
        "longest shared": np.maximum(_largest(there), _largest(back)),
        "longest of one": more,
        "longest of the other": less,
    }


def code_lengths(texts: Sequence[str]) -> csr_matrix:
    """Return the lengths of the codes of N texts: (N, H)."""
    return hashed({code: float(len(code)) for code in codes(text)} for text in texts)


def term_counts(texts: Sequence[str], terms: str) -> csr_matrix:
    """Return how often N texts have each of their words, codes or ngrams: (N, H)."""
    return hashed(Counter(TERMS[terms](text)) for text in texts)


def _with_data(matrix: csr_matrix, data: Floats) -> csr_matrix:
    return csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _sums(matrix: csr_matrix) -> Floats:
    return np.asarray(matrix.sum(axis=1), np.float64).ravel()


def _largest(matrix: csr_matrix) -> Floats:
    """Return the largest number of each row, 0 of an empty one."""
    return np.asarray(matrix.max(axis=1).toarray(), np.float64).ravel()


def _ascending(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    return np.minimum(a, b), np.maximum(a, b)
