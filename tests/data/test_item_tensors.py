from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from data.image_store import GivenImages, ImageFolder, open_images
from data.item import Item, item_text, parse_attributes
from data.item_catalog import ItemCatalog, read_items
from data.item_image import BadImageError, find_image, read_image
from data.item_tensors import ItemTensors, KnownFeatures, image_keys, text_keys, tokenize_catalog
from data.options import ImageOptions, PictureRules, TextOptions
from data.pair_batch import length_runs
from data.tokenizer import Tokenizer
from tests.tiny_data import IMAGE_SIZE, MAX_TOKENS, NUM_ITEMS

ATTRIBUTES = TextOptions().attributes
IMAGE = ImageOptions(size=IMAGE_SIZE)


@pytest.fixture(scope="module")
def tokenizer(tiny_dataset: Path) -> Tokenizer:
    return Tokenizer(str(tiny_dataset / "tokenizer"), MAX_TOKENS)


@pytest.fixture(scope="module")
def items(tiny_dataset: Path, tokenizer: Tokenizer) -> ItemTensors:
    catalog = read_items(tiny_dataset / "item_train_info.jsonl")
    text = tokenize_catalog(catalog, tokenizer, ATTRIBUTES)
    return ItemTensors(catalog, text, ImageFolder(tiny_dataset / "images"), IMAGE)


def test_token_ids_are_padded_to_the_longest_text_of_the_batch(items: ItemTensors, tokenizer: Tokenizer) -> None:
    rows = [5, 0, 3, 39]
    expected = tokenizer([item_text(items.catalog[row], ATTRIBUTES) for row in rows])
    batch = items.batch(rows)
    assert batch.token_ids.dtype == torch.int64
    assert batch.attention_mask.dtype == torch.bool
    assert batch.token_ids.shape == (4, max(map(len, expected)))
    for ids, row, mask in zip(expected, batch.token_ids.tolist(), batch.attention_mask.tolist(), strict=True):
        padding = len(row) - len(ids)
        assert row == ids + [tokenizer.padding_id] * padding
        assert mask == [True] * len(ids) + [False] * padding


def test_token_lengths_are_those_of_every_item(items: ItemTensors, tokenizer: Tokenizer) -> None:
    expected = [len(ids) for ids in tokenizer([item_text(item, ATTRIBUTES) for item in items.catalog])]
    assert items.token_lengths().tolist() == expected
    assert len(set(expected)) > 1


def test_a_batch_tells_the_runs_of_its_texts_where_they_are_read(items: ItemTensors) -> None:
    rows = [5, 0, 3, 39]
    lengths = items.token_lengths()[rows]
    assert items.read_lengths(rows).tolist() == lengths.tolist()
    assert items.batch(rows).text_runs.tolist() == length_runs(lengths).tolist()
    count = len(items.catalog)
    known = KnownFeatures(torch.zeros(count, 2), None, torch.zeros(count, dtype=torch.bool))
    for without in (replace(items, text=None), replace(items, known=known)):
        assert without.read_lengths(rows).tolist() == [0] * 4
        assert len(without.batch(rows).text_runs) == 0


@pytest.mark.parametrize("at_once", [1, 7, NUM_ITEMS, NUM_ITEMS + 1])
def test_texts_are_tokenised_some_at_a_time_as_all_at_once(
    items: ItemTensors, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    asked: list[int] = []
    tokenise = Tokenizer.__call__

    def counted(self: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
        asked.append(len(texts))
        return tokenise(self, texts)

    expected = tokenizer([item_text(item, ATTRIBUTES) for item in items.catalog])
    monkeypatch.setattr("data.item_tensors.TEXTS_AT_ONCE", at_once)
    monkeypatch.setattr(Tokenizer, "__call__", counted)
    tokens = tokenize_catalog(items.catalog, tokenizer, ATTRIBUTES)
    assert [tokens[row].tolist() for row in range(len(items.catalog))] == expected
    assert (tokens.ids.dtype, tokens.starts.dtype) == (np.int32, np.int64)
    assert max(asked) <= at_once
    assert sum(asked) == NUM_ITEMS


def test_pixels_are_normalised_one_by_one_as_a_slow_reference(items: ItemTensors) -> None:
    rows = list(range(8))
    batch = items.batch(rows)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, where no encoder says otherwise
    assert batch.images.dtype == torch.float32
    assert batch.images.shape == (8, 3, IMAGE_SIZE, IMAGE_SIZE)
    for row, image in zip(rows, batch.images, strict=True):
        picture = read_image(find_image(items.images.path, items.catalog[row].image), IMAGE_SIZE)
        for channel in range(3):
            expected = (picture[:, :, channel].astype(np.float64) / 255 - mean[channel]) / std[channel]
            np.testing.assert_allclose(image[channel], expected, atol=1e-6)


def test_the_batch_says_which_items_it_holds(items: ItemTensors) -> None:
    batch = items.batch([7, 2])
    assert batch.item.tolist() == [7, 2]
    assert batch.blank_image.tolist() == [False, False]


def test_a_modality_that_is_not_used_has_extent_zero(items: ItemTensors) -> None:
    without = ItemTensors(items.catalog, None, items.images, None)
    batch = without.batch([0, 1, 2])
    assert batch.images.shape == (3, 3, 0, 0)
    assert batch.token_ids.shape == batch.attention_mask.shape == (3, 0)
    assert (batch.token_ids.dtype, batch.attention_mask.dtype) == (torch.int64, torch.bool)
    assert without.token_lengths().tolist() == [0] * NUM_ITEMS


@pytest.fixture
def one_bad_image(tmp_path: Path) -> tuple[ItemCatalog, Path]:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "good.jpg")
    (tmp_path / "bad.jpg").write_bytes(b"")
    names = ("good.jpg", "bad.jpg", "missing.jpg")
    return ItemCatalog([Item(f"id-{name}", "", {}, "", name) for name in names]), tmp_path


@pytest.mark.parametrize("row", [1, 2])
def test_an_unreadable_image_names_file_and_item(row: int, one_bad_image: tuple[ItemCatalog, Path]) -> None:
    catalog, folder = one_bad_image
    item = catalog[row]
    with pytest.raises(BadImageError, match=f"{item.image}: unreadable .*'{item.item_id}'.*on_bad_image=blank"):
        ItemTensors(catalog, None, ImageFolder(folder), ImageOptions(size=8)).batch([0, row])


@pytest.mark.parametrize("follows", [True, False])
def test_links_out_of_the_folder_are_followed_only_where_the_options_say_so(tmp_path: Path, follows: bool) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "elsewhere.jpg")
    (tmp_path / "images" / "a.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    catalog = ItemCatalog([Item("a", "", {}, "", "a.jpg")])
    options = ImageOptions(size=8, on_bad_image="blank", follow_links=follows)
    batch = ItemTensors(catalog, None, open_images(tmp_path / "images", options), options).batch([0])
    assert batch.blank_image.tolist() == [not follows]


def test_a_blank_picture_is_exactly_zero_and_marked(one_bad_image: tuple[ItemCatalog, Path]) -> None:
    catalog, folder = one_bad_image
    batch = ItemTensors(catalog, None, ImageFolder(folder), ImageOptions(size=8, on_bad_image="blank")).batch([1, 0, 2])
    assert batch.blank_image.tolist() == [True, False, True]
    assert not batch.images[[0, 2]].any()
    assert batch.images[1].all()


@pytest.mark.parametrize("keeps", [True, False])
def test_a_picture_is_decoded_once_if_it_is_kept_in_memory(
    tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    decoded: list[Path] = []

    def counted(file: Path, size: int, rules: PictureRules) -> NDArray[np.uint8]:
        decoded.append(file)
        return read_image(file, size, rules)

    monkeypatch.setattr("data.image_store.read_image", counted)
    options = ImageOptions(size=8, keep_in_memory=keeps)
    catalog = read_items(tiny_dataset / "item_val_info.jsonl")
    tensors = ItemTensors(catalog, None, ImageFolder(tiny_dataset / "images"), options)
    first, again = tensors.batch([3, 5]), tensors.batch([5, 3])
    assert torch.equal(first.images, again.images.flip(0))
    assert len(decoded) == (2 if keeps else 4)


def catalogue() -> ItemCatalog:
    titles = ("花瓶", "花瓶", "茶杯")
    return ItemCatalog([Item(str(n), title, {}, "", f"{n}.jpg") for n, title in enumerate(titles)])


def test_items_of_equal_texts_have_one_key(tiny_dataset: Path) -> None:
    tokens = tokenize_catalog(catalogue(), Tokenizer(str(tiny_dataset / "tokenizer"), 8), ())
    first, second, other = text_keys(ItemTensors(catalogue(), tokens, ImageFolder(Path()), None))
    assert first == second != other


def test_images_have_the_key_of_their_bytes_and_missing_ones_none(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(b"one")
    (tmp_path / "1.jpg").write_bytes(b"one")
    items = ItemTensors(catalogue(), None, ImageFolder(tmp_path), ImageOptions(size=8))
    first, second, missing = image_keys(items)
    assert first == second
    assert missing is None
    (tmp_path / "1.jpg").write_bytes(b"two")
    assert image_keys(replace(items))[1] != first


def test_all_attributes_are_tokenized_in_each_items_own_order(tokenizer: Tokenizer) -> None:
    there, back = (
        Item(item_id, "花瓶", parse_attributes(pvs, ""), "", "")
        for item_id, pvs in (("1", "#a#:#红#;#b#:#蓝#;"), ("2", "#b#:#蓝#;#a#:#红#;"))
    )
    tokens = tokenize_catalog(ItemCatalog([there, back]), tokenizer, "all")
    assert [tokens[row].tolist() for row in (0, 1)] == tokenizer(["花瓶;红;蓝", "花瓶;蓝;红"])
    keys = text_keys(ItemTensors(ItemCatalog([there, back]), tokens, GivenImages({}), None))
    assert keys[0] != keys[1]
