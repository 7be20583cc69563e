"""Items as the published solution read them: texts, token ids and pixels of tests/assets/published."""

import json
from pathlib import Path

import numpy as np
import pytest

from data.item import item_text
from data.item_catalog import read_items
from data.item_image import find_image, read_image
from data.tokenizer import Tokenizer

ASSETS = Path(__file__).parents[1] / "assets/published"
CONFIG = json.loads((ASSETS / "config.json").read_text(encoding="utf-8"))
CATALOG = read_items(ASSETS / "items.jsonl")
EXPECTED = [json.loads(line) for line in (ASSETS / "texts.jsonl").read_text(encoding="utf-8").splitlines()]

every_item = pytest.mark.parametrize("row", range(len(EXPECTED)), ids=[line["item_id"] for line in EXPECTED])


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(str(ASSETS / "bert"), CONFIG["max_tokens"])


@every_item
def test_the_text_of_an_item_follows_the_published_rule(row: int) -> None:
    assert CATALOG[row].item_id == EXPECTED[row]["item_id"]
    assert item_text(CATALOG[row], CONFIG["attributes"]) == EXPECTED[row]["text"]


@every_item
def test_the_token_ids_are_those_of_the_published_tokenizer(row: int, tokenizer: Tokenizer) -> None:
    assert tokenizer([EXPECTED[row]["text"]]) == [EXPECTED[row]["token_ids"]]


@pytest.mark.parametrize("row", range(8))
def test_the_pixels_of_a_jpeg_are_those_that_the_published_solution_decoded(row: int) -> None:
    with np.load(ASSETS / "inputs_and_outputs.npz") as arrays:
        expected = arrays["pixels"][row]
    pixels = read_image(find_image(ASSETS / "images", CATALOG[row].image), expected.shape[-1])
    np.testing.assert_array_equal(pixels.transpose(2, 0, 1), expected)
