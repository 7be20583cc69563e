"""Writing of a submission file from embeddings at hand, and whether two such files say the same."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.speed.bench import Bench
from benchmarks.speed.record import BenchmarkRow, Check, Limit
from benchmarks.speed.reference import plain_line
from benchmarks.speed.settings import PREDICTED_ITEMS, PREDICTED_PAIRS
from benchmarks.speed.sides import Work, timed
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

LARGEST_DIFFERENCE = 1e-4
"""Of two ways' margins, as a share of the mean size of a margin."""


def compare_submissions(ours: Path, reference: Path, threshold_width: int) -> tuple[Check, ...]:
    """Compare the margins and the decisions of two submission files of the same pairs.

    Random weights put nearly all margins on one side of 0, so decisions are made where about half of the pairs are
    positive, at the middle of the widest gap there.
    """
    our_margins, reference_margins = (submission_margins(file, threshold_width) for file in (ours, reference))
    if our_margins.shape != reference_margins.shape:
        raise ValueError(f"{ours} has {len(our_margins)} lines and {reference} {len(reference_margins)}")
    threshold = middle_gap(reference_margins)
    num_changed = np.count_nonzero((our_margins > threshold) != (reference_margins > threshold))
    difference = np.abs(our_margins - reference_margins).max() / np.abs(reference_margins).mean()
    return (
        Check(f"decisions changed, of {len(our_margins)}", float(num_changed), 0.0),
        Check("largest difference of a margin, relative", float(difference), LARGEST_DIFFERENCE),
    )


def submission_margins(file: Path, threshold_width: int) -> NDArray[np.float64]:
    """Return the margin of each line."""
    with file.open(encoding="utf-8") as lines:
        return np.array([_margin(json.loads(line), threshold_width) for line in lines])


def middle_gap(margins: NDArray[np.float64]) -> float:
    """Return the middle of the widest gap between neighbours of the middle third."""
    ordered = np.sort(margins)
    third = len(ordered) // 3
    middle = ordered[third : max(third + 2, len(ordered) - third)]
    if len(middle) < 2:
        return float(ordered[0]) - 1.0
    place = int(np.argmax(np.diff(middle)))
    return float(middle[place] + middle[place + 1]) / 2


def _margin(line: dict[str, str], threshold_width: int) -> float:
    products = np.array(json.loads(line["src_item_emb"])) * np.array(json.loads(line["tgt_item_emb"]))
    return float(products[threshold_width:].sum() - products[:threshold_width].sum())


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
