import re
import unicodedata

import numpy as np
import pytest

from tools.preparation.demo.catalogue import draw_products
from tools.preparation.demo.listing import NAMING_RATES, join, notation, phrase
from tools.preparation.demo.product import CATEGORIES, WORDS


@pytest.fixture
def phrasings():
    result = []
    for number in range(400):
        rng = np.random.default_rng(number)
        product = draw_products(rng)[0]
        result.append((product, phrase(product, "轻享", rng)))
    return result


def plain(phrasing):
    return unicodedata.normalize("NFKC", phrasing.title + phrasing.item_pvs + phrasing.sku_pvs).upper()


def test_a_named_model_can_be_read(phrasings):
    for product, phrasing in phrasings:
        read = product.model.replace("-", " ") in plain(phrasing).replace("-", " ")
        assert read == ("model" in phrasing.named)


def test_a_named_brand_can_be_read(phrasings):
    for product, phrasing in phrasings:
        assert (product.brand in plain(phrasing)) == ("brand" in phrasing.named)


def test_a_colour_is_read_exactly_where_it_is_named(phrasings):
    for product, phrasing in phrasings:
        words = WORDS.colours[product.colour][1]
        assert any(word in plain(phrasing) for word in words) == ("colour" in phrasing.named)


def test_every_value_but_the_products_own_is_absent(phrasings):
    for product, phrasing in phrasings:
        others = {word for colour in WORDS.colours if colour != product.colour for word in WORDS.colours[colour][1]}
        assert not any(word in plain(phrasing) for word in others - {"橙"})


def test_attributes_are_in_the_official_notation(phrasings):
    for product, phrasing in phrasings:
        for attributes in (phrasing.item_pvs, phrasing.sku_pvs):
            assert re.fullmatch(r"(#[^#:;]+#:#[^#:;]+#;)*", attributes)
        if "#型号#" in phrasing.item_pvs:
            assert CATEGORIES[product.category].model_key == "型号"


def test_naming_rates_are_kept(phrasings):
    for factor, rate in NAMING_RATES.items():
        assert np.mean([factor in phrasing.named for _, phrasing in phrasings]) == pytest.approx(rate, abs=0.06)


def test_latin_neighbours_are_kept_apart():
    assert join(["K3-7", "XL", "上衣"], "") == "K3-7 XL上衣"


def test_notation_repeats_keys():
    assert notation([("尺码", "L"), ("尺码", "XL")]) == "#尺码#:#L#;#尺码#:#XL#;"
