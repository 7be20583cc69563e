from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tools.preparation.demo.catalogue import ListedItem, plan_families
from tools.preparation.demo.pairs import deciding_modality, make_pairs
from tools.preparation.demo.product import FACTORS, Product

CUP = Product("马克杯", "云舟", "K3-7", "300ml", "red", "dots", "mug_round")
ALL = frozenset(FACTORS)
SEEN = frozenset({"colour", "pattern", "shape"})
TOLD = frozenset({"brand", "model", "variant"})


def listing(product, named=TOLD, visible=SEEN, number=0, family=0):
    return ListedItem(str(number), family, product, {}, frozenset(named), frozenset(visible))


@pytest.fixture(scope="module")
def items():
    return [
        listing(product, number=f"{family.number}-{row}-{copy}", family=family.number)
        for family in plan_families(60, seed=0)
        for row, product in enumerate(family.products)
        for copy in range(3)
    ]


@pytest.fixture(scope="module")
def pairs(items):
    return make_pairs(items, np.random.default_rng(0))


def test_all_positives_are_there_and_the_asked_share(items, pairs):
    assert sum(pair.same for pair in pairs) == 3 * len(items) // 3
    assert np.mean([pair.same for pair in pairs]) == pytest.approx(0.4, abs=0.01)


def test_a_hard_negative_differs_in_the_factor_it_is_named_after(pairs):
    names = {"size": "variant", "taste": "variant"}
    for pair in pairs:
        kind = pair.kind.removeprefix("negative-")
        if pair.kind != "positive" and kind not in ("category", "random"):
            assert pair.source.product.differences(pair.target.product) == (names.get(kind, kind),)
            assert pair.source.family == pair.target.family


def test_easy_negatives_are_of_different_families(pairs):
    easy = [pair for pair in pairs if pair.kind in ("negative-category", "negative-random")]
    assert len(easy) > 50
    assert all(pair.source.family != pair.target.family for pair in easy)


def test_no_pair_occurs_twice(pairs):
    counts = Counter(frozenset((pair.source.item_id, pair.target.item_id)) for pair in pairs)
    assert set(counts.values()) == {1}
    assert all(len(pair) == 2 for pair in counts)


@pytest.mark.parametrize(
    ("change", "named", "visible", "expected"),
    [
        ({"model": "K3-8"}, TOLD, SEEN, "text"),
        ({"colour": "blue"}, TOLD, SEEN, "image"),
        ({"colour": "blue"}, ALL, SEEN, "either"),
        ({"colour": "blue", "model": "K3-8"}, TOLD, SEEN, "either"),
        ({"colour": "blue"}, ALL, frozenset({"shape"}), "text"),
        ({"colour": "blue"}, TOLD, frozenset({"shape"}), None),
        ({"model": "K3-8"}, frozenset(), SEEN, None),
        ({"category": "保温杯"}, frozenset(), SEEN, "either"),
    ],
)
def test_what_decides_a_negative(change, named, visible, expected):
    one = listing(CUP, named, visible)
    other = listing(replace(CUP, **change), named, visible)
    assert deciding_modality(one, other) == expected


def test_a_colour_seen_on_one_side_and_told_on_the_other_takes_both():
    grey = listing(CUP, named={"colour"}, visible={"shape"})
    silent = listing(replace(CUP, colour="blue"), named=TOLD, visible=SEEN)
    assert deciding_modality(grey, silent) == "image+text"


def test_undecidable_products_are_not_paired():
    mute = [listing(CUP, named=(), number=0), listing(replace(CUP, model="K3-8"), named=(), number=1)]
    assert make_pairs(mute, np.random.default_rng(0)) == []
