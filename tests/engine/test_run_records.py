import json
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from data.item import Item
from data.item_catalog import ItemCatalog
from data.pair_batch import ItemBatch, PairBatch
from engine.distributed import Processes
from engine.run_folder import RunFolder
from engine.run_records import BlankImages, environment, read_blank_ids
from options.errors import UserError


def batch(rows: list[int], blank: list[bool]) -> PairBatch:
    empty = torch.empty(len(rows), 0)
    items = ItemBatch(empty, empty, empty, torch.tensor(rows), torch.tensor(blank))
    return PairBatch(items, *(torch.zeros(1, dtype=torch.int64) for _ in range(4)))


CATALOG = ItemCatalog([Item(item_id, "", {}, "", "x.jpg") for item_id in "abcde"])


def test_the_items_of_replaced_images_are_collected_once_each_in_catalogue_order() -> None:
    blank_images = BlankImages(CATALOG)
    batches = [batch([4, 0], [True, False]), batch([1, 4, 2], [True, True, False])]
    assert list(blank_images.watch(iter(batches))) == batches
    assert blank_images.item_ids() == ["b", "e"]


def test_what_an_earlier_start_has_found_is_gone_on_with() -> None:
    blank_images = BlankImages(CATALOG, {"train": ["d", "gone"], "val": ["x"]})
    list(blank_images.watch(iter([batch([0], [True])])))
    assert (blank_images.item_ids(), blank_images.validation) == (["a", "d"], ["x"])


def test_what_is_collected_grows_with_the_batches() -> None:
    blank_images = BlankImages(CATALOG)
    watched = blank_images.watch(iter([batch([0], [False]), batch([3], [True])]))
    next(watched)
    assert blank_images.item_ids() == []
    next(watched)
    assert blank_images.item_ids() == ["d"]


@pytest.mark.parametrize("text", ["{", "[]", '{"train": "a"}', '{"train": [1]}', '{"train": null}', "NaN"])
def test_a_damaged_list_of_replaced_images_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "blank_images.json").write_text(text)
    with pytest.raises(UserError, match=r"blank_images\.json: is damaged: .*; remove it$"):
        read_blank_ids(RunFolder(tmp_path))


def test_the_versions_the_machine_and_the_processes_are_recorded() -> None:
    record = environment(Processes(rank=0, count=3, device=torch.device("cpu")))
    assert json.loads(json.dumps(record)) == record
    assert record["processes"] == 3
    packages = record["packages"]
    assert isinstance(packages, dict)
    assert packages["timm"] == version("timm")
    assert packages["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert record["device"]
    assert record["cores"]
