from pathlib import Path

import numpy as np
import pytest

from data.image_store import ImageFolder
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_pair import PairTable
from data.item_tensors import ItemTensors
from data.loading import Split
from data.split_overlap import listing_rows, overlap_message, shared_items


def item(item_id: str, title: str, image: str = "x.jpg") -> Item:
    return Item(item_id, title, {"品牌": ("木岚",)}, "花瓶", image)


def split(*items: Item, images: str = "images") -> Split:
    catalog = ItemCatalog(items)
    none = np.empty(0, np.int64)
    return Split(catalog, PairTable(none, none, None), ItemTensors(catalog, None, ImageFolder(Path(images)), None))


TRAIN = split(item("a", "1"), item("b", "2"), item("c", "3"))


def test_splits_of_different_items_share_none() -> None:
    val = split(item("d", "4"), item("e", "1", image="other.jpg"))
    assert shared_items(TRAIN, val) == []
    assert overlap_message(TRAIN, val) is None


def test_an_item_is_recognised_by_its_id_whatever_its_line() -> None:
    assert shared_items(TRAIN, split(item("d", "4"), item("c", "3"), item("a", "another title"))) == [
        ("c", "c"),
        ("a", "a"),
    ]


def test_the_same_line_under_another_id_is_recognised_by_text_and_image() -> None:
    val = split(item("d", "4"), item("e", "2"))
    assert shared_items(TRAIN, val) == [("e", "b")]


def test_listings_whose_hashes_are_equal_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("data.compact_rows", "data.split_overlap"):
        monkeypatch.setattr(f"{module}.text_hash", lambda text: 7)
    val = split(item("d", "4"), item("e", "2"), item("f", "3"))
    assert shared_items(TRAIN, val) == [("e", "b"), ("f", "c")]


def test_of_several_twins_the_last_one_is_named() -> None:
    train = split(item("a", "1"), item("b", "2"), item("c", "1"), item("d", "2"))
    assert shared_items(train, split(item("e", "1"))) == [("e", "c")]


def test_images_of_one_name_in_two_folders_are_two_images() -> None:
    assert shared_items(TRAIN, split(item("e", "2"), images="elsewhere")) == []
    assert shared_items(TRAIN, split(item("b", "2"), images="elsewhere")) == [("b", "b")]
    assert shared_items(TRAIN, split(item("e", "2"), images="other/../images")) == [("e", "b")]


def test_the_message_names_the_first_items_and_the_cure() -> None:
    message = overlap_message(TRAIN, split(item("d", "4"), item("e", "2"), item("a", "1")))
    assert message is not None
    assert message.startswith("data.val: 2 of its 3 items occur in data.train as well")
    assert ": e (in training b), a. Split the pairs with bash run.sh data split" in message
    assert "data.on_split_overlap=warn" in message


def test_a_cure_that_is_set_already_is_not_advised_again() -> None:
    message = overlap_message(TRAIN, split(item("a", "1")), is_allowed=True)
    assert message is not None
    assert message.endswith(": a. Split the pairs with bash run.sh data split.")


def test_ids_that_would_steer_a_terminal_are_written_out_and_long_ones_are_cut() -> None:
    both = split(item("\x1b[2J", "1"), item("\u202e\n", "2"), item("x" * 1000, "3"))
    message = overlap_message(both, both)
    assert message is not None
    assert f": \\x1b[2J, \\u202e\\n, {'x' * 80}.... Split" in message


@pytest.mark.parametrize(("count", "ending"), [(5, "4. Split"), (6, "4 and 1 more. Split"), (9, "4 and 4 more. Split")])
def test_of_many_items_five_are_named(count: int, ending: str) -> None:
    both = split(*(item(str(number), str(number)) for number in range(count)))
    message = overlap_message(both, both)
    assert message is not None
    assert f"0, 1, 2, 3, {ending}" in message


def test_a_listing_under_several_ids_is_known_by_its_first_row() -> None:
    catalog = ItemCatalog([item("a", "1"), item("b", "2"), item("c", "1"), item("d", "1", image="other.jpg")])
    assert listing_rows(catalog).tolist() == [0, 1, 0, 3]
    assert listing_rows(catalog, with_images=False).tolist() == [0, 1, 0, 0]
