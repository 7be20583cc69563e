"""From image files to batches of tensors, and from a folder of image files against packs of it, warm and cold."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.speed.bench import Bench
from benchmarks.speed.record import BenchmarkRow, Limit, Timing
from benchmarks.speed.reference import plain_image
from benchmarks.speed.settings import PHOTO_SIZE, PREDICTED_ITEMS
from benchmarks.speed.sides import Work, timed
from benchmarks.speed.workload import MOST_PHOTOS, write_photographs
from data.image_pack import STORED, Stored
from data.image_store import ImageFolder, open_images
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors
from data.options import ImageOptions
from tests.endurance.peak_memory import peak_bytes
from tools.preparation.image_packing import PackSettings, pack_images

BATCH = 64


def measure_decoding(bench: Bench) -> list[BenchmarkRow]:
    """Measure data.item_tensors on photographs of the published size, against Pillow and torch picture by picture."""
    settings = bench.settings
    count = min(MOST_PHOTOS, settings.scaled(PREDICTED_ITEMS, 8))
    files = write_photographs(settings.work / "decoding", count, PHOTO_SIZE)
    sides = bench.measured({"ours": partial(our_batches, files), "plain": partial(plain_batches, files)}, "decoding")
    return [
        BenchmarkRow(
            "decoding",
            f"{count} photographs of {PHOTO_SIZE} x {PHOTO_SIZE} pixels to normalised batches of {BATCH}, one process",
            "photographs",
            count,
            sides["ours"].timing,
            "Pillow, then conversion and normalisation picture by picture, and torch.stack; nothing checked",
            sides["plain"].timing,
            Limit("decoding by Pillow alone", count / bench.decoding(files)),
        )
    ]


def our_batches(files: list[Path]) -> Work:
    """Return a round of data.item_tensors."""
    catalog = ItemCatalog([Item(file.stem, "", {}, "", file.name) for file in files])
    items = ItemTensors(catalog, None, ImageFolder(files[0].parent), ImageOptions(size=PHOTO_SIZE))

    def load() -> None:
        for first in range(0, len(files), BATCH):
            items.batch(range(first, min(first + BATCH, len(files))))

    return lambda: timed(load)


def plain_batches(files: list[Path]) -> Work:
    """Return a round of the reference."""
    import torch

    options = ImageOptions(size=PHOTO_SIZE)

    def load() -> None:
        for first in range(0, len(files), BATCH):
            torch.stack([plain_image(str(file), options) for file in files[first : first + BATCH]])

    return lambda: timed(load)


FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class StoreTimings:
    """What one way of keeping images gives."""

    num_bytes: int
    """Of all its files."""
    warm: Timing
    """Out of the system's page cache, as from the second epoch on where memory holds all images."""
    cold: Timing
    """From the disk, as in a first epoch or where memory does not hold them."""


def measure_image_store(bench: Bench) -> list[BenchmarkRow]:
    """Measure packs of photographs against the folder of files, warm and cold."""
    settings = bench.settings
    count = min(MOST_PHOTOS, settings.scaled(PREDICTED_ITEMS, 8))
    files = write_photographs(settings.work / "image_store" / "images", count, PHOTO_SIZE)
    found = bench.child(partial(store_timings, files[0].parent, PHOTO_SIZE, settings.rounds, settings.seed), "packs")
    return [
        row
        for kind in STORED
        for row in _rows(
            kind, count, found["folder"], found[kind], _warm_limit(bench, kind, files), bench.disk_reading()
        )
    ]


def _rows(
    kind: Stored, count: int, folder: StoreTimings, pack: StoreTimings, warm_limit: Limit, disk_rate: float
) -> list[BenchmarkRow]:
    title = f"{count} photographs of {PHOTO_SIZE} x {PHOTO_SIZE} pixels in random order, from a pack of {kind}"
    size = f"the pack has {pack.num_bytes / 1e6:,.0f} MB, the folder {folder.num_bytes / 1e6:,.0f} MB"
    cold_limit = Limit("reading the pack from the disk", pack.num_bytes / disk_rate)
    return [
        BenchmarkRow(
            "image-store", f"{title}, {temperature}", "photographs", count, ours, "from the folder", plain, limit,
            details=(size,),
        )
        for temperature, ours, plain, limit in (
            ("warm", pack.warm, folder.warm, warm_limit),
            ("cold", pack.cold, folder.cold, cold_limit),
        )
    ]  # fmt: skip


def _warm_limit(bench: Bench, kind: Stored, files: Sequence[Path]) -> Limit:
    if kind == "files":
        return Limit("decoding by Pillow alone", len(files) / bench.decoding(files))
    num_values = len(files) * PHOTO_SIZE**2 * 3
    return Limit("reading bytes and writing float32", num_values * (1 + FLOAT_BYTES) / bench.memory())


def store_timings(folder: Path, size: int, rounds: int, seed: int) -> dict[str, StoreTimings]:
    """Read a folder's images in random order, in batches of tensors, in turn from the folder and from packs of it.

    Cold rounds begin when the system has been asked to drop the files' content from its page cache; what it knows of
    folders and places on the disk, and the cache of a virtual machine's host, stay warm, so a first reading after a
    start of the machine may be slower still. The packs are written beside the folder.
    """
    options = ImageOptions(size=size)
    files = {"folder": sorted(folder.iterdir())}
    names = [file.name for file in files["folder"]]
    catalog = ItemCatalog([Item(name, "", {}, "", name) for name in names])
    items = {"folder": ItemTensors(catalog, None, open_images(folder, options), options)}
    for kind in STORED:
        pack = folder.with_name(f"{kind}.pack")
        pack_images(folder, pack, [], PackSettings(kind, size, follow_links=False), processes=1)
        files[kind] = [pack]
        items[kind] = ItemTensors(catalog, None, open_images(pack, options), options)
    os.sync()  # what is not on the disk yet cannot be dropped
    cold: dict[str, list[float]] = {way: [] for way in items}
    warm: dict[str, list[float]] = {way: [] for way in items}
    for number in range(rounds):
        order = np.random.default_rng((seed, number)).permutation(len(names)).tolist()
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        for way in items:
            _drop(files[way])
            cold[way].append(_seconds(items[way], batches))
            warm[way].append(_seconds(items[way], batches))
    return {
        way: StoreTimings(
            sum(file.stat().st_size for file in files[way]),
            Timing(tuple(warm[way]), peak_bytes()),
            Timing(tuple(cold[way]), peak_bytes()),
        )
        for way in items
    }


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
