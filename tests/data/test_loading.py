import os
import platform
import shutil
import signal
import subprocess
import sys
import time
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
ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, time
import torch
from torch.utils.data import DataLoader
from data.loading import obey_the_parent_alone

class Numbers(torch.utils.data.Dataset):
    def __len__(self):
        return 10**6

    def __getitem__(self, number):
        time.sleep(0.01)
        return number

numbers = iter(DataLoader(Numbers(), batch_size=None, num_workers=1, worker_init_fn=obey_the_parent_alone))
next(numbers)
print("worker", numbers._workers[0].pid, flush=True)
sys.stdin.readline()
for _ in range(50):
    next(numbers)
print("went on", flush=True)
raise ZeroDivisionError
"""


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
    dataset = PairDataset(split.pairs, split.items, product_groups(split.pairs, np.arange(NUM_ITEMS)))
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


def test_a_loader_process_ignores_the_users_signals_and_ends_with_a_parent_that_fails() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    worker = int(process.stdout.readline().split()[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
        os.kill(worker, number)
        time.sleep(0.05)
    started = time.monotonic()
    stdout, stderr = process.communicate("go on\n", timeout=30)
    assert stdout == "went on\n"
    assert stderr.count("Traceback") == 1
    assert "ZeroDivisionError" in stderr
    assert time.monotonic() - started < 10
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have no such call")
def test_freed_memory_is_given_back_before_a_fork() -> None:
    program = """
import resource
from data.loading import give_back_freed_memory
def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
blocks = [b"x" * (1 << 20) for _ in range(200)]
last = b"x" * (1 << 20)  # which lies above the freed ones
del blocks
before = resident()
give_back_freed_memory()
print(before - resident())
"""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    assert int(answer.stdout) > 100 << 20
