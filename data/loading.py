"""From the options of the data section to datasets and loaders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from data.image_store import ImageFolder, open_images
from data.item_catalog import ItemCatalog, read_items
from data.item_pair import PairTable, read_pairs
from data.item_tensors import ItemTensors, tokenize_catalog
from data.loader_process import give_back_freed_memory, obey_the_parent_alone
from data.options import DataOptions, Modalities, SplitOptions
from data.pair_batch import ItemBatch, PairBatch
from data.pair_dataset import ItemDataset, PairDataset
from data.tokenizer import Tokenizer
from options.errors import UserError


@dataclass(frozen=True, slots=True)
class Split:
    """One split, read into memory: the items that its pairs name, the pairs and the maker of batches."""

    catalog: ItemCatalog
    pairs: PairTable
    items: ItemTensors


def load_split(files: SplitOptions, data: DataOptions, modalities: Modalities, labelled: bool) -> Split:
    """Read a split's files; raises DataError or UserError for a fault in them."""
    catalog, pairs = only_paired_items(*_read(files, labelled))
    images = open_images(files.images, data.image) if modalities.image else ImageFolder(files.images)
    text = None
    if modalities.text:
        tokenizer = Tokenizer(data.text.tokenizer, data.text.max_tokens)
        text = tokenize_catalog(catalog, tokenizer, data.text.attributes)
    image = data.image if modalities.image else None
    return Split(catalog, pairs, ItemTensors(catalog, text, images, image, attributes=modalities.attributes))


def _read(files: SplitOptions, labelled: bool) -> tuple[ItemCatalog, PairTable]:
    catalog = read_items(files.items)
    return catalog, read_pairs(files.pairs, catalog, labelled)


def only_paired_items(catalog: ItemCatalog, pairs: PairTable) -> tuple[ItemCatalog, PairTable]:
    """Leave out the items that no pair names; the others keep their order."""
    rows, places = np.unique(np.stack([pairs.source, pairs.target]), return_inverse=True)
    source, target = places.reshape(2, -1)
    return catalog.select(rows), PairTable(source, target, pairs.same)


def pair_batches(dataset: PairDataset, order: Sampler[list[int]], workers: int, pin: bool) -> Iterator[PairBatch]:
    """Yield the batches of an order, loaded ahead by worker processes; raises what a worker raised."""
    return _batches(dataset, order, workers, pin)


def item_batches(items: ItemTensors, batches: Sequence[list[int]], workers: int, pin: bool) -> Iterator[ItemBatch]:
    """Yield the batches of given rows, loaded ahead by worker processes; raises what a worker raised."""
    return _batches(ItemDataset(items), batches, workers, pin)


Batch = TypeVar("Batch", ItemBatch, PairBatch)


@dataclass(frozen=True)
class _ErrorsAsValues(Dataset["Batch | UserError"], Generic[Batch]):
    """Returns a mendable fault instead of raising it, since the loader would bury its message in a traceback."""

    dataset: Dataset[Batch]

    def __getitem__(self, numbers: list[int]) -> Batch | UserError:
        try:
            return self.dataset[numbers]
        except UserError as error:
            return UserError(str(error))


def _batches(
    dataset: Dataset[Batch], order: Sequence[list[int]] | Sampler[list[int]], workers: int, pin: bool
) -> Iterator[Batch]:
    if workers:
        give_back_freed_memory()
    loader: DataLoader[Batch | UserError] = DataLoader(
        _ErrorsAsValues(dataset),
        batch_size=None,
        sampler=order,
        num_workers=workers,
        pin_memory=pin,
        worker_init_fn=obey_the_parent_alone,
        # Its own, so that starting to load takes no number from the sequence that dropout draws from.
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, UserError):
            raise batch
        yield batch
