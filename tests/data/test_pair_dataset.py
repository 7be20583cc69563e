import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data.image_store import ImageFolder
from data.item_catalog import read_items
from data.item_pair import PairTable, read_pairs
from data.item_tensors import ItemTensors, tokenize_catalog
from data.options import TextOptions
from data.pair_dataset import PairDataset, product_groups
from data.tokenizer import Tokenizer
from tests.tiny_data import MAX_TOKENS


@pytest.fixture(scope="module")
def dataset(tiny_dataset: Path) -> PairDataset:
    catalog = read_items(tiny_dataset / "item_train_info.jsonl")
    pairs = read_pairs(tiny_dataset / "item_train_pair.jsonl", catalog, labelled=True)
    items = ItemTensors(catalog, None, ImageFolder(tiny_dataset / "images"), None)
    return PairDataset(pairs, items, product_groups(pairs, np.arange(len(catalog))))


@pytest.mark.parametrize("numbers", [[0], [3, 3], [7, 30, 12, 59, 12], list(range(60))])
def test_a_batch_holds_each_distinct_item_once_and_points_at_it(
    numbers: list[int], dataset: PairDataset, tiny_dataset: Path
) -> None:
    lines = [json.loads(line) for line in (tiny_dataset / "item_train_pair.jsonl").read_text().splitlines()]
    batch = dataset[numbers]
    ids = [dataset.items.catalog[row].item_id for row in batch.items.item.tolist()]
    assert len(ids) == len(set(ids))
    assert set(ids) == {lines[n][key] for n in numbers for key in ("src_item_id", "tgt_item_id")}
    for place, number in enumerate(numbers):
        assert ids[batch.source[place]] == lines[number]["src_item_id"]
        assert ids[batch.target[place]] == lines[number]["tgt_item_id"]
        assert bool(batch.same[place]) == (lines[number]["item_label"] == "1")


def test_items_come_from_the_shortest_text_to_the_longest_where_texts_are_read(
    dataset: PairDataset, tiny_dataset: Path
) -> None:
    tokenizer = Tokenizer(str(tiny_dataset / "tokenizer"), MAX_TOKENS)
    text = tokenize_catalog(dataset.items.catalog, tokenizer, TextOptions().attributes)
    with_text = PairDataset(dataset.pairs, replace(dataset.items, text=text), dataset.group)
    numbers = [7, 30, 12, 59, 12]
    sorted_batch, batch = with_text[numbers], dataset[numbers]
    lengths = sorted_batch.items.attention_mask.sum(dim=1).tolist()
    assert lengths == sorted(lengths)
    assert len(set(lengths)) > 1
    for side in ("source", "target"):
        assert torch.equal(sorted_batch.items.item[getattr(sorted_batch, side)], batch.items.item[getattr(batch, side)])
    assert torch.equal(sorted_batch.group, torch.from_numpy(dataset.group[sorted_batch.items.item]))


def test_a_pair_of_an_item_with_itself_points_twice_at_it(dataset: PairDataset) -> None:
    itself = PairTable(np.array([4]), np.array([4]), np.array([True]))
    batch = PairDataset(itself, dataset.items, dataset.group)[[0]]
    assert batch.items.item.tolist() == [4]
    assert (batch.source.tolist(), batch.target.tolist()) == ([0], [0])


def test_the_group_of_each_item_of_a_batch_is_its_product(dataset: PairDataset) -> None:
    batch = dataset[list(range(60))]
    for row, group in zip(batch.items.item.tolist(), batch.group.tolist(), strict=True):
        assert group == row // 2 * 2  # two neighbours are a product, named by the first


def test_products_are_joined_over_chains_of_equal_pairs_and_not_by_others() -> None:
    source, target = np.array([0, 1, 3, 2]), np.array([1, 4, 3, 3])
    pairs = PairTable(source, target, np.array([True, True, True, False]))
    assert product_groups(pairs, np.arange(6)).tolist() == [0, 0, 2, 3, 0, 5]
    twins = np.array([0, 1, 2, 3, 4, 2])
    assert product_groups(pairs, twins).tolist() == [0, 0, 2, 3, 0, 2]
    twins[3] = 1
    assert product_groups(pairs, twins).tolist() == [0, 0, 2, 0, 0, 2]
