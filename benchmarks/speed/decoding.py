"""From image files to batches of tensors."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.speed.bench import Bench
from benchmarks.speed.model_sizes import PHOTO_SIZE
from benchmarks.speed.record import BenchmarkRow, Limit
from benchmarks.speed.reference_items import plain_image
from benchmarks.speed.settings import PREDICTED_ITEMS
from benchmarks.speed.sides import Work, timed
from benchmarks.speed.workload import MOST_PHOTOS, write_photographs
from data.image_store import ImageFolder
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors
from data.options import ImageOptions

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
