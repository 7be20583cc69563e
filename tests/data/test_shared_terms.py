import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from data.shared_terms import (
    TERMS,
    Rarity,
    WeighedTerms,
    code_lengths,
    codes,
    contained,
    longest,
    ngrams,
    term_counts,
    words,
)

TRAINING = ["red vase xk-101", "blue vase 20cm", "花瓶 红色 xk-101", "a vase, red; vase", "", "12 cups 茶杯 20cm"]
SOME_WORDS = ["red", "vase", "xk-101", "20cm", "blue", "花瓶", "红色茶杯", "12", "cup,", "vase", "unknown"]
TEXTS = st.lists(st.lists(st.sampled_from(SOME_WORDS), max_size=6).map(" ".join), min_size=1, max_size=8)


def terms_of(text: str, terms: str) -> list[str]:
    return TERMS[terms](text)


@cache
def weight(term: str, terms: str) -> float:
    having = sum(term in terms_of(text, terms) for text in TRAINING)
    return math.log((1 + len(TRAINING)) / (1 + having)) + 1


@cache
def rarity_weights(terms: str) -> np.ndarray:
    return Rarity.of(term_counts(TRAINING, terms)).weights()


def weighed(texts: Sequence[str], terms: str) -> WeighedTerms:
    return WeighedTerms(term_counts(texts, terms), rarity_weights(terms))


def every_pair(count: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of some rows, each item with itself among them."""
    source, target = np.divmod(np.arange(count * count), count)
    return source, target


def slow_cosine(a: str, b: str, terms: str) -> float:
    def vector(text: str) -> dict[str, float]:
        return {term: (1 + math.log(n)) * weight(term, terms) for term, n in Counter(terms_of(text, terms)).items()}

    first, second = vector(a), vector(b)
    lengths = [math.sqrt(sum(number**2 for number in each.values())) for each in (first, second)]
    product = sum(number * second.get(term, 0.0) for term, number in first.items())
    return product / (lengths[0] * lengths[1]) if all(lengths) else 0.0


def quotient(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def slow_rarest(a: str, b: str, terms: str) -> list[float]:
    first, second = set(terms_of(a, terms)), set(terms_of(b, terms))

    def rarest(some: set[str]) -> float:
        return max((weight(term, terms) for term in some), default=0.0)

    alone = sorted([rarest(first - second), rarest(second - first)])
    return [rarest(first & second), alone[1], alone[0], len(first & second), abs(len(first) - len(second))]


@pytest.mark.parametrize("terms", TERMS)
@settings(max_examples=25, deadline=None)
@given(texts=TEXTS)
def test_what_texts_share_is_what_their_sets_of_terms_share(terms: str, texts: list[str]) -> None:
    source, target = every_pair(len(texts))
    ends = [(texts[a], texts[b]) for a, b in zip(source.tolist(), target.tolist(), strict=True)]
    found = weighed(texts, terms)
    assert found.cosines(source, target) == pytest.approx([slow_cosine(a, b, terms) for a, b in ends])
    for a, b, lighter, heavier in zip(*zip(*ends, strict=True), *found.overlap(source, target).values(), strict=True):
        first, second = set(terms_of(a, terms)), set(terms_of(b, terms))
        shared, *totals = (sum(weight(t, terms) for t in some) for some in (first & second, first, second))
        expected = [quotient(shared, min(totals)), quotient(shared, max(totals))]
        assert [lighter, heavier] == pytest.approx(expected, nan_ok=True)
    rarest = np.column_stack([*found.rarest(source, target).values()])
    for row, (a, b) in enumerate(ends):
        assert rarest[row].tolist() == pytest.approx(slow_rarest(a, b, terms))


@settings(max_examples=25, deadline=None)
@given(titles=TEXTS, rest=TEXTS)
def test_the_contained_part_is_the_weight_of_the_titles_words_that_the_other_text_has(
    titles: list[str], rest: list[str]
) -> None:
    texts = [f"{title} {rest[row % len(rest)]}" for row, title in enumerate(titles)]
    source, target = every_pair(len(titles))
    found = contained(weighed(titles, "words"), weighed(texts, "words"), source, target)
    for a, b, less, more in zip(source.tolist(), target.tolist(), *found.values(), strict=True):
        shares = []
        for title, text in ((titles[a], texts[b]), (titles[b], texts[a])):
            mine, theirs = set(words(title)), set(words(text))
            total, there = (sum(weight(term, "words") for term in some) for some in (mine, mine & theirs))
            shares.append(quotient(there, total))
        known = [share for share in shares if not math.isnan(share)]
        assert [less, more] == pytest.approx([min(known, default=math.nan), max(known, default=math.nan)], nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(titles=TEXTS, rest=TEXTS)
def test_the_longest_codes_are_those_of_sets_of_codes(titles: list[str], rest: list[str]) -> None:
    texts = [f"{title} {rest[row % len(rest)]}" for row, title in enumerate(titles)]
    source, target = every_pair(len(titles))
    ours, others = code_lengths(titles), code_lengths(texts)
    found = longest(ours[source], ours[target], others[source], others[target])
    for a, b, shared, more, less in zip(source.tolist(), target.tolist(), *found.values(), strict=True):
        sides = [(set(codes(titles[x])), set(codes(texts[y]))) for x, y in ((a, b), (b, a))]
        there = [max(map(len, mine & theirs), default=0) for mine, theirs in sides]
        missing = sorted(max(map(len, mine - theirs), default=0) for mine, theirs in sides)
        assert [shared, more, less] == [max(there), missing[1], missing[0]]


def test_cosines_are_those_of_scikit_learn() -> None:
    texts = [*TRAINING, "red red red vase", "never seen"]
    reference = TfidfVectorizer(analyzer=words, sublinear_tf=True).fit(TRAINING)
    source, target = every_pair(len(texts) - 1)
    vectors = reference.transform(texts[:-1]).toarray()
    found = weighed(texts[:-1], "words").cosines(source, target)
    assert found == pytest.approx((vectors[source] * vectors[target]).sum(axis=1))
    # A word that no training text has counts as well, as the rarest.
    assert weighed(texts, "words").cosines(np.array([7]), np.array([7])) == pytest.approx([1.0])


def test_words_of_scripts_without_blanks_are_two_characters_in_a_row() -> None:
    assert words("红色茶杯 xk101-花瓶") == ["红色", "色茶", "茶杯", "xk101", "花瓶"]
    assert words("a") == ["a"]
    assert words("花") == ["花"]
    assert words("_ - ;") == []


def test_codes_are_words_with_a_digit_of_their_letters_and_digits_alone() -> None:
    assert codes("vase xk-101, (20cm) 1.5l a/b 花瓶3号") == ["xk101", "20cm", "15l", "花瓶3号"]
    assert codes("no digit") == []


@given(st.text(alphabet="ab1 花"))
def test_parts_of_words_are_all_of_2_to_5_characters_with_borders(text: str) -> None:
    expected = Counter(
        part
        for word in text.split()
        for first in range(len(word) + 2)
        for last in range(first + 2, min(first + 5, len(word) + 2) + 1)
        if re.fullmatch(".+", part := f" {word} "[first:last])
    )
    assert Counter(ngrams(text)) == expected


def test_half_a_character_is_a_term_as_any_other() -> None:
    found = weighed(["vase \ud83d1", "vase \ud83d1", "vase 1"], "ngrams")
    cosines = found.cosines(np.array([0, 0]), np.array([1, 2]))
    assert cosines[0] == pytest.approx(1.0)
    assert 0.0 < cosines[1] < 1.0
