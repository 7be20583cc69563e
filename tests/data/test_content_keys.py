from dataclasses import replace
from pathlib import Path

from data.content_keys import image_keys, text_keys
from data.image_store import ImageFolder
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors, tokenize_catalog
from data.options import ImageOptions
from data.tokenizer import Tokenizer


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
