from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tools.preparation.demo.photograph import ENCODINGS, draw_encoding, draw_photograph, save_photograph
from tools.preparation.demo.product import CATEGORIES, WORDS, Product
from tools.preparation.demo.shapes import pattern_polygons

SHAPES = sorted({(c.name, shape) for c in CATEGORIES.values() for shape in c.shapes})


def picture(product, seed=0):
    return np.asarray(draw_photograph(product, 48, np.random.default_rng(seed)), dtype=float)


def product_of(category, shape, pattern="plain", colour="blue"):
    return Product(category, "云舟", "K3-7", "L", colour, pattern, shape)


@pytest.mark.parametrize(("category", "shape"), SHAPES)
def test_every_pattern_is_seen_on_every_shape(category, shape):
    pictures = [picture(product_of(category, shape, pattern)) for pattern in WORDS.patterns]
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            changed = np.abs(one - other).max(axis=2) > 60
            assert changed.sum() > 15


@pytest.mark.parametrize("category", sorted(CATEGORIES))
def test_the_shapes_of_a_category_look_different(category):
    first, second, third = (picture(product_of(category, s)) for s in CATEGORIES[category].shapes)
    for one, other in ((first, second), (first, third), (second, third)):
        assert (np.abs(one - other).max(axis=2) > 60).sum() > 40


def test_all_colours_look_different():
    plain = product_of("抱枕", "pillow_square")
    pictures = [picture(replace(plain, colour=colour))[20:28, 20:28].mean(axis=(0, 1)) for colour in WORDS.colours]
    for i, one in enumerate(pictures):
        assert all(np.linalg.norm(one - other) > 40 for other in pictures[:i])


def test_text_factors_do_not_change_what_is_drawn_but_for_the_print():
    product = product_of("马克杯", "mug_round")
    for seed in range(10):
        np.testing.assert_array_equal(picture(product, seed), picture(replace(product, variant="M"), seed))


def test_two_photographs_of_one_product_differ():
    product = product_of("马克杯", "mug_round")
    assert np.abs(picture(product, 0) - picture(product, 1)).mean() > 5


def test_the_size_is_the_one_asked_for():
    image = draw_photograph(product_of("雨伞", "umbrella_flat"), 33, np.random.default_rng(0))
    assert image.size == (33, 33)
    assert image.mode == "RGB"


def test_an_unknown_pattern_is_refused():
    with pytest.raises(ValueError, match="tartan"):
        pattern_polygons("tartan", "mug_round")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_is_read_back(encoding, tmp_path):
    picture = Image.new("RGB", (40, 40), (200, 40, 40))
    file = tmp_path / f"picture{encoding.suffix}"
    save_photograph(picture, file, encoding, np.random.default_rng(0))
    with Image.open(file) as image:
        assert (image.format, image.mode, image.size) == (encoding.format, encoding.mode, (40, 40))
        red, green, _ = np.asarray(image.convert("RGB"))[20, 20].tolist()
    assert (abs(red - green) < 10) if encoding.mode == "L" else (red > 150 and green < 90)


def test_the_shares_add_up_to_everything():
    assert sum(encoding.share for encoding in ENCODINGS) == pytest.approx(1)


def test_most_files_are_jpg():
    rng = np.random.default_rng(0)
    suffixes = [draw_encoding(rng).suffix for _ in range(1000)]
    assert 830 < suffixes.count(".jpg") < 930
    assert {".png", ".gif", ".bmp", ".SS2", ".jpeg"} < set(suffixes)
