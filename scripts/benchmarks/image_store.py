"""How fast batches of pictures come from a folder of image files and from packs of it."""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.image_pack import KINDS
from data.image_store import open_images
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors
from data.options import ImageOptions
from scripts.preparation.image_packing import PackSettings, pack_images


@dataclass(frozen=True, slots=True)
class ImageStoreSpeed:
    """What one way of keeping images gives, in one process; medians of the rounds."""

    way: str
    """folder, pack jpeg or pack pixels"""
    megabytes: float
    """Of all images."""
    warm: float
    """Images a second out of the system's page cache, as from the second epoch on where memory holds all images."""
    cold: float
    """Images a second from the disk, as in a first epoch or where memory does not hold them."""


def measure_image_stores(
    folder: Path, *, size: int, batch_size: int, rounds: int, seed: int = 0
) -> list[ImageStoreSpeed]:
    """Read a folder's images in random order, in batches of tensors, in turn from the folder and from packs of it.

    Cold rounds begin when the system has been asked to drop the files' content from its page cache; what it knows of
    folders and places on the disk, and the cache of a virtual machine's host, stay warm, so a first reading after a
    start of the machine may be slower still.

    Args:
        folder: image files, all of them readable; the packs are written to a temporary folder beside it.
        size: data.image.size.
        batch_size: items a batch.
        rounds: how often each way reads all images, warm and cold each.
        seed: of the order.
    """
    options = ImageOptions(size=size)
    files = {"folder": sorted(folder.iterdir())}
    names = [file.name for file in files["folder"]]
    catalog = ItemCatalog([Item(name, "", {}, "", name) for name in names])
    items = {"folder": ItemTensors(catalog, None, open_images(folder, options), options)}
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        for kind in KINDS:
            pack = Path(place, f"{kind}.pack")
            pack_images(folder, pack, [], PackSettings(kind, size, follow_links=False), processes=1)
            files[f"pack {kind}"] = [pack]
            items[f"pack {kind}"] = ItemTensors(catalog, None, open_images(pack, options), options)
        os.sync()  # what is not on the disk yet cannot be dropped
        cold: dict[str, list[float]] = {way: [] for way in items}
        warm: dict[str, list[float]] = {way: [] for way in items}
        for number in range(rounds):
            order = np.random.default_rng((seed, number)).permutation(len(names)).tolist()
            batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
            for way in items:
                _drop(files[way])
                cold[way].append(_seconds(items[way], batches))
                warm[way].append(_seconds(items[way], batches))
        return [
            ImageStoreSpeed(
                way=way,
                megabytes=sum(file.stat().st_size for file in files[way]) / 1e6,
                warm=len(names) / statistics.median(warm[way]),
                cold=len(names) / statistics.median(cold[way]),
            )
            for way in items
        ]


def _seconds(items: ItemTensors, batches: Sequence[list[int]]) -> float:
    start = time.perf_counter()
    for rows in batches:
        items.batch(rows)
    return time.perf_counter() - start


def _drop(files: Sequence[Path]) -> None:
    """Ask the system to forget what it has read of files, where it can be asked."""
    if not hasattr(os, "posix_fadvise"):
        return
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
