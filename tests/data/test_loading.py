import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_pair import PairTable
from data.jsonl import DataError
from data.loading import Split, item_batches, load_split, only_paired_items, pair_batches
from data.options import DataOptions, Modalities, SplitOptions
from data.pair_dataset import PairDataset, product_groups
from options.errors import UserError
from tests.tiny_data import NUM_ITEMS, data_options

BOTH = Modalities(text=True, image=True)


def options(folder: Path) -> DataOptions:
    return DataOptions.model_validate(data_options(folder), strict=False)


def train_files(data: DataOptions) -> SplitOptions:
    assert data.train is not None
    return data.train


@pytest.fixture(scope="module")
def split(tiny_dataset: Path) -> Split:
    data = options(tiny_dataset)
    return load_split(train_files(data), data, BOTH, labelled=True)


def test_only_the_items_that_pairs_name_are_kept_in_their_order() -> None:
    catalog = ItemCatalog([Item(item_id, "", {}, "", "") for item_id in "abcdef"])
    pairs = PairTable(np.array([5, 1, 5]), np.array([3, 5, 3]), None)
    kept, renumbered = only_paired_items(catalog, pairs)
    assert [item.item_id for item in kept] == ["b", "d", "f"]
    assert [kept[row].item_id for row in renumbered.source] == ["f", "b", "f"]
    assert [kept[row].item_id for row in renumbered.target] == ["d", "f", "d"]
    assert renumbered.same is None
    assert kept.row("a") is None


def test_a_split_holds_items_pairs_and_both_modalities(split: Split) -> None:
    assert len(split.catalog) == NUM_ITEMS
    batch = split.items.batch([0, 1])
    assert batch.images.numel() > 0
    assert batch.token_ids.numel() > 0


@pytest.mark.parametrize("text", [True, False])
def test_a_modality_that_the_model_does_not_read_is_not_asked_for(tiny_dataset: Path, text: bool) -> None:
    tree = data_options(tiny_dataset)
    if text:
        tree["train"]["images"] = str(tiny_dataset / "nowhere")
    else:
        tree["text"]["tokenizer"] = "no/such-tokenizer"
    data = DataOptions.model_validate(tree, strict=False)
    batch = load_split(train_files(data), data, Modalities(text=text, image=not text), True).items.batch([0])
    assert (batch.token_ids.numel() > 0) == text
    assert (batch.images.numel() > 0) == (not text)


def test_a_folder_of_images_that_is_not_there_is_named(tiny_dataset: Path) -> None:
    data = options(tiny_dataset)
    files = train_files(data).model_copy(update={"images": tiny_dataset / "nowhere"})
    with pytest.raises(UserError, match="nowhere: the folder of images does not exist"):
        load_split(files, data, BOTH, labelled=True)


def test_unlabelled_pairs_are_refused_where_labels_are_needed(tiny_dataset: Path, tmp_path: Path) -> None:
    data = options(tiny_dataset)
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"src_item_id": "train-0", "tgt_item_id": "train-1"}\n')
    files = train_files(data).model_copy(update={"pairs": pairs})
    assert load_split(files, data, BOTH, labelled=False).pairs.same is None
    with pytest.raises(DataError, match=r"pairs\.jsonl:1: has no 'item_label'"):
        load_split(files, data, BOTH, labelled=True)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_the_order_that_was_asked_for(split: Split, workers: int) -> None:
    asked = [[3, 1], [0], [39, 38, 37], [1, 3]]
    loaded = list(item_batches(split.items, asked, workers, pin=False))
    assert [batch.item.tolist() for batch in loaded] == asked
    for batch, rows in zip(loaded, asked, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(batch, split.items.batch(rows), strict=True))


def test_batches_of_pairs_are_those_of_the_dataset(split: Split) -> None:
    dataset = PairDataset(split.pairs, split.items, product_groups(split.pairs, NUM_ITEMS))
    (batch,) = pair_batches(dataset, [[5, 50]], workers=0, pin=False)  # type: ignore[arg-type]
    assert torch.equal(batch.items.images, dataset[[5, 50]].items.images)
    assert torch.equal(batch.same, dataset[[5, 50]].same)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_fault_in_a_worker_arrives_as_the_message_alone(tiny_dataset: Path, tmp_path: Path, workers: int) -> None:
    shutil.copytree(tiny_dataset / "images", tmp_path / "images")
    data = options(tiny_dataset)
    files = train_files(data).model_copy(update={"images": tmp_path / "images"})
    items = load_split(files, data, BOTH, labelled=True).items
    (tmp_path / "images" / items.catalog[1].image).write_bytes(b"")
    batches = item_batches(items, [[0], [1]], workers, pin=False)
    next(batches)
    with pytest.raises(UserError) as caught:
        next(batches)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "images" / items.catalog[1].image))
    assert "item 'train-1'" in message
    assert "Traceback" not in message
    assert "\n" not in message
