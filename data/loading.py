"""From the options of the data section to datasets and loaders."""

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from data.image_store import GivenImages, ImageFolder, ImageSource, open_images
from data.item_catalog import ItemCatalog, read_items
from data.item_pair import PairTable, read_pairs
from data.item_tensors import ItemTensors, tokenize_catalog
from data.options import DataOptions, Modalities, SplitOptions
from data.pair_batch import ItemBatch, PairBatch
from data.pair_dataset import PairDataset
from data.stand_ins import stand_in_warnings
from data.tokenizer import Tokenizer
from options.errors import UserError

OF_THE_USER = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""Signals that loader processes leave to their parent."""


@dataclass(frozen=True, slots=True)
class Split:
    """One split, read into memory: the items that its pairs name, the pairs and the maker of batches."""

    catalog: ItemCatalog
    pairs: PairTable
    items: ItemTensors


class ItemPreparation:
    """How items and their pictures become the tensors that a model reads; its tokenizer is read once."""

    def __init__(self, data: DataOptions, reads: Modalities) -> None:
        """Prepare what a model reads of an item; raises UserError where the tokenizer cannot be had."""
        self.data = data
        self.reads = reads
        self.tokenizer = Tokenizer(data.text.tokenizer, data.text.max_tokens, data.text.prefix) if reads.text else None

    def open_images(self, path: Path | None) -> ImageSource:
        """Return the pictures of a folder or a pack; raises UserError where they are read and it is neither."""
        if self.reads.image and path is not None:
            return open_images(path, self.data.image)
        if self.reads.image:
            raise UserError("the model reads pictures: give the folder of them, or a pack (bash run.sh data pack)")
        return ImageFolder(path) if path is not None else GivenImages({})

    def warnings(self, catalog: ItemCatalog, images: ImageSource) -> list[str]:
        """Return what is worth a warning in the images of a catalogue, if the model reads any."""
        return stand_in_warnings((item.image for item in catalog), images) if self.reads.image else []

    def read_items(self, file: Path) -> ItemCatalog:
        """Return the items of a file, which name images where these are read; raises DataError."""
        return read_items(file, has_images=self.reads.image)

    def tensors(
        self, catalog: ItemCatalog, images: ImageSource, *, read_once: bool = False, blank_bad_images: bool = False
    ) -> ItemTensors:
        """Return the maker of batches of a catalogue.

        Of items that are read once no picture is kept in memory, whatever data.image.keep_in_memory says;
        `blank_bad_images` stands for data.image.on_bad_image: blank.
        """
        text = None
        if self.tokenizer is not None:
            text = tokenize_catalog(catalog, self.tokenizer, self.data.text.attributes)
        image = self.data.image if self.reads.image else None
        if image is not None:
            keep = image.keep_in_memory and not read_once
            bad = "blank" if blank_bad_images else image.on_bad_image
            image = image.model_copy(update={"keep_in_memory": keep, "on_bad_image": bad})
        return ItemTensors(catalog, text, images, image, attributes=self.reads.attributes)

    def split(self, files: SplitOptions, labelled: bool) -> Split:
        """Read a split's files; raises DataError or UserError for a fault in them."""
        catalog = self.read_items(files.items)
        catalog, pairs = only_paired_items(catalog, read_pairs(files.pairs, catalog, labelled))
        return Split(catalog, pairs, self.tensors(catalog, self.open_images(files.images)))


def load_split(files: SplitOptions, data: DataOptions, modalities: Modalities, labelled: bool) -> Split:
    """Read a split's files for a model of these modalities; raises DataError or UserError for a fault in them."""
    return ItemPreparation(data, modalities).split(files, labelled)


def only_paired_items(catalog: ItemCatalog, pairs: PairTable) -> tuple[ItemCatalog, PairTable]:
    """Leave out the items that no pair names; the others keep their order."""
    rows, places = np.unique(np.stack([pairs.source, pairs.target]), return_inverse=True)
    source, target = places.reshape(2, -1)
    return catalog.select(rows), PairTable(source, target, pairs.same)


def pair_batches(dataset: PairDataset, order: Sampler[list[int]], workers: int, pin: bool) -> Iterator[PairBatch]:
    """Yield the batches of an order, loaded ahead by worker processes; raises what a worker raised."""
    return _batches(dataset.__getitem__, order, workers, pin)


def item_batches(items: ItemTensors, batches: Sequence[list[int]], workers: int, pin: bool) -> Iterator[ItemBatch]:
    """Yield the batches of given rows, loaded ahead by worker processes; raises what a worker raised."""
    return _batches(items.batch, batches, workers, pin)


Batch = TypeVar("Batch", ItemBatch, PairBatch)


@dataclass(frozen=True)
class _ErrorsAsValues(Dataset["Batch | UserError"], Generic[Batch]):
    """Returns a mendable fault instead of raising it, since the loader would bury its message in a traceback."""

    make: Callable[[list[int]], Batch]

    def __getitem__(self, numbers: list[int]) -> Batch | UserError:
        try:
            return self.make(numbers)
        except UserError as error:
            return UserError(str(error))


def _batches(
    make: Callable[[list[int]], Batch], order: Sequence[list[int]] | Sampler[list[int]], workers: int, pin: bool
) -> Iterator[Batch]:
    if workers:
        give_back_freed_memory()
    loader: DataLoader[Batch | UserError] = DataLoader(
        _ErrorsAsValues(make),
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


def obey_the_parent_alone(worker: int) -> None:
    """Go on loading when Ctrl-C or SLURM signals all processes, so that the parent can finish its step.

    The parent's own SIGTERM, which ends what is left of the loader with the parent, still ends this process.
    """
    for number in OF_THE_USER:
        signal.signal(number, signal.SIG_IGN)
    if not hasattr(signal, "sigwaitinfo"):  # macOS does not tell who sent a signal
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_wait_for_the_parents_word, args=(os.getppid(),), daemon=True).start()


def _wait_for_the_parents_word(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)


def give_back_freed_memory() -> None:
    """Give the memory of freed tensors back to the system, where the allocator can, before a process is forked.

    Pages that two processes hold are copied when one of them writes there, which takes far longer than a fresh page.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
