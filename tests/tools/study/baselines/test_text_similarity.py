import math

import numpy as np
import pytest

from tools.study.baselines.text_similarity import count_ngrams, text_cosines

TEXTS = ["云舟水杯k3-7", "云舟水杯k3-8", "双肩包", ""]


def slow_cosine(one, other, texts):
    def weight(ngram, text):
        count = sum(text.startswith(ngram, i) for i in range(len(text)))
        having = sum(ngram in t for t in texts)
        return count * (math.log((1 + len(texts)) / (1 + having)) + 1)

    ngrams = sorted({t[i : i + n] for t in texts for n in (1, 2, 3) for i in range(len(t) - n + 1)})
    a, b = (np.array([weight(ngram, text) for ngram in ngrams]) for text in (one, other))
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def test_cosines_agree_with_dense_vectors():
    source, target = np.array([0, 0, 1]), np.array([1, 2, 2])
    expected = [slow_cosine(TEXTS[s], TEXTS[t], TEXTS) for s, t in zip(source, target, strict=True)]
    assert text_cosines(TEXTS, source, target) == pytest.approx(expected)


def test_a_text_is_itself_and_an_empty_one_is_like_nothing():
    cosines = text_cosines(TEXTS, np.array([0, 3, 3]), np.array([0, 3, 0]))
    assert cosines == pytest.approx([1, 0, 0])


def test_ngrams_are_counted_with_repeats():
    assert count_ngrams("aab") == {"a": 2, "b": 1, "aa": 1, "ab": 1, "aab": 1}
