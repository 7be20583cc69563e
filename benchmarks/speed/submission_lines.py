"""Writing of a submission file from embeddings at hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.speed.bench import Bench
from benchmarks.speed.record import BenchmarkRow, Limit
from benchmarks.speed.reference_prediction import plain_line
from benchmarks.speed.settings import PREDICTED_ITEMS, PREDICTED_PAIRS
from benchmarks.speed.sides import Work, timed
from benchmarks.speed.submissions import compare_submissions
from benchmarks.speed.workload import pair_ends
from data.image_store import ImageFolder
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_pair import PairTable
from data.item_tensors import ItemTensors
from data.loading import Split
from engine.disk import whole_file
from engine.encode import EncodedItems
from engine.predictor import submission_lines

WIDTH = 1024
LARGER = 10
"""As many times the share of the real workload, since there is nothing to encode."""


def measure_submission_lines(bench: Bench) -> list[BenchmarkRow]:
    """Measure engine.predictor's lines against str and json.dumps for each."""
    settings = bench.settings
    folder = settings.work / "lines"
    folder.mkdir()
    share = min(1.0, LARGER * settings.scale)
    counts = (max(8, round(share * PREDICTED_ITEMS)), max(8, round(share * PREDICTED_PAIRS)), settings.seed)
    ours, plain = folder / "ours.jsonl", folder / "plain.jsonl"
    sides = bench.measured(
        {"ours": partial(our_lines, ours, *counts), "plain": partial(plain_lines, plain, *counts)}, "lines"
    )
    size = ours.stat().st_size
    row = BenchmarkRow(
        "lines",
        f"{counts[1]:,} lines of a submission file, two embeddings of {WIDTH} numbers each, fsync included",
        "lines",
        counts[1],
        sides["ours"].timing,
        "str(list) of both embeddings and json.dumps for every line",
        sides["plain"].timing,
        Limit("writing as many bytes to the disk", size / bench.disk_writing()),
        compare_submissions(ours, plain, WIDTH // 2),
        (
            f"{size / counts[1]:,.0f} bytes a line, in the plain way {plain.stat().st_size / counts[1]:,.0f}",
            f"the disk reads {bench.disk_reading() / 1e6:,.0f} MB/s",
        ),
    )
    ours.unlink()
    plain.unlink()
    return [row]


def our_lines(file: Path, num_items: int, num_pairs: int, seed: int) -> Work:
    """Return a round of engine.predictor's way."""
    split, items = _embedded(num_items, num_pairs, seed)

    def write() -> None:
        with whole_file(file) as stream:
            stream.writelines(submission_lines(split, items, np.zeros(len(split.pairs))))

    return lambda: timed(write)


def plain_lines(file: Path, num_items: int, num_pairs: int, seed: int) -> Work:
    """Return a round of the reference."""
    split, items = _embedded(num_items, num_pairs, seed)

    def write() -> None:
        with whole_file(file) as stream:
            for source, target in zip(split.pairs.source, split.pairs.target, strict=True):
                ids = split.catalog[source].item_id, split.catalog[target].item_id
                embeddings = items.packed[source].tolist(), items.packed[target].tolist()
                stream.write(plain_line(ids[0], embeddings[0], ids[1], embeddings[1], 0.0))

    return lambda: timed(write)


def _embedded(num_items: int, num_pairs: int, seed: int) -> tuple[Split, EncodedItems]:
    catalog = ItemCatalog([Item(f"item-{number}", "", {}, "", "none.jpg") for number in range(num_items)])
    source, target = pair_ends(num_items, num_pairs, seed).T
    packed = torch.randn(num_items, WIDTH, generator=torch.Generator().manual_seed(seed))
    split = Split(catalog, PairTable(np.array(source), np.array(target), None), _no_tensors(catalog))
    return split, EncodedItems(packed, torch.zeros(num_items, dtype=torch.bool))


def _no_tensors(catalog: ItemCatalog) -> ItemTensors:
    return ItemTensors(catalog, None, ImageFolder(Path()), None)
