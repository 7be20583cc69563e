"""Split a pair file into a training and a validation file, and report what the two have in common."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from data.image_store import open_images_of_any_size
from data.item import item_text
from data.item_catalog import ItemCatalog, read_items
from data.item_pair import PairTable, read_pairs
from data.item_tensors import image_key
from data.pair_split import PairSplit, split_by_components, split_dropping_seen
from data.split_overlap import listing_rows
from engine.disk import whole_path
from options.errors import UserError
from options.table import aligned_rows

Way = Literal["components", "drop-seen"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SplitReport:
    """What was split, and which items of validation look like items of training."""

    split: PairSplit
    train_positive: float
    """Share of positive pairs."""
    val_positive: float
    num_same_text: int
    """Validation items whose normalised title and attributes an item of training has too."""
    num_same_image: int | None
    """Validation items whose image file has the content of one of training; None without images."""
    num_images_missing: int


def split_pair_file(
    items_file: Path, pairs_file: Path, output: Path, images: Path | None, *, way: Way, ratio: float, seed: int
) -> SplitReport:
    """Write pair_train.jsonl and pair_val.jsonl: the lines of the pair file, unchanged and in its order.

    Raises:
        UserError: a file cannot be read or written, would be replaced by what is made of it, pairs lack labels, or
            one side would be empty.
    """
    targets = output / "pair_train.jsonl", output / "pair_val.jsonl"
    _refuse_to_replace((items_file, pairs_file), targets)
    # Of the contents only hashes are taken, so links may lead anywhere.
    sources = open_images_of_any_size(images, follow_links=True) if images is not None else None
    catalog = read_items(items_file, has_images=sources is not None)
    table = read_pairs(pairs_file, catalog, labelled=True)
    split = _split(catalog, table, way=way, ratio=ratio, seed=seed)
    if not split.val.any() or not split.train.any():
        raise UserError(
            f"{pairs_file}: one side of the split is empty: {split.num_components} components, the largest with "
            f"{split.largest_component} of {len(table)} pairs; try --way drop-seen or another --ratio"
        )
    assert table.same is not None  # read_pairs demanded labels
    train_rows, val_rows = _rows(table, split.train), _rows(table, split.val)
    same_image, num_missing = None, 0
    if sources is not None:
        train_images, val_images = (
            [image_key(sources, catalog[row].image) for row in rows] for rows in (train_rows, val_rows)
        )
        same_image = _count_shared(train_images, val_images)
        num_missing = train_images.count(None) + val_images.count(None)
    for target, side in zip(targets, (split.train, split.val), strict=True):
        _write_lines(pairs_file, target, side)
    return SplitReport(
        split=split,
        train_positive=float(table.same[split.train].mean()),
        val_positive=float(table.same[split.val].mean()),
        num_same_text=_count_shared(_texts(catalog, train_rows), _texts(catalog, val_rows)),
        num_same_image=same_image,
        num_images_missing=num_missing,
    )


def _refuse_to_replace(inputs: Iterable[Path], targets: Iterable[Path]) -> None:
    targets = [target for target in targets if target.exists()]
    for file in inputs:
        if file.exists() and any(target.samefile(file) for target in targets):
            raise UserError(f"{file}: would be replaced by a part of itself; give another output folder")


def _split(catalog: ItemCatalog, table: PairTable, *, way: Way, ratio: float, seed: int) -> PairSplit:
    pairs = listing_rows(catalog)[np.stack([table.source, table.target], axis=1)]
    if way == "drop-seen":
        return split_dropping_seen(pairs, len(catalog), ratio=ratio, seed=seed)
    names = sorted({item.category for item in catalog})
    numbers = {name: number for number, name in enumerate(names)}
    category = np.array([numbers[catalog[row].category] for row in table.source.tolist()], dtype=np.int64)
    assert table.same is not None  # read_pairs demanded labels
    return split_by_components(pairs, category, table.same, len(catalog), ratio=ratio, seed=seed)


def _write_lines(source: Path, target: Path, keep: NDArray[np.bool_]) -> None:
    with source.open("rb") as lines, whole_path(target) as temporary, temporary.open("wb") as kept:
        pairs = (line for line in lines if line.strip())
        for line, wanted in zip(pairs, keep.tolist(), strict=True):
            if wanted:
                kept.write(line if line.endswith(b"\n") else line + b"\n")


def _rows(table: PairTable, side: NDArray[np.bool_]) -> list[int]:
    rows: list[int] = np.unique(np.concatenate([table.source[side], table.target[side]])).tolist()
    return rows


def _texts(catalog: ItemCatalog, rows: Iterable[int]) -> list[str | None]:
    return [item_text(catalog[row], tuple(sorted(catalog[row].attributes))) or None for row in rows]


def _count_shared(train: Sequence[T | None], val: Sequence[T | None]) -> int:
    seen = set(train) - {None}
    return sum(value in seen for value in val)


def split_summary(report: SplitReport) -> str:
    """Return the report as an aligned table, with advice where the split is poor."""
    split = report.split
    num_train, num_val = int(split.train.sum()), int(split.val.sum())
    rows = {
        "training pairs": f"{num_train:,}",
        "validation pairs": f"{num_val:,}",
        "dropped pairs": f"{len(split.train) - num_train - num_val:,}",
        "training : validation": f"{num_train / num_val:.4f}",
        "positive share, training": f"{report.train_positive:.4f}",
        "positive share, validation": f"{report.val_positive:.4f}",
        "connected components": f"{split.num_components:,}",
        "pairs of the largest": f"{split.largest_component:,}",
        "validation items with a text of training": f"{report.num_same_text:,}",
        "validation items with an image of training": (
            "not checked" if report.num_same_image is None else f"{report.num_same_image:,}"
        ),
        "items without an image file": f"{report.num_images_missing:,}",
    }
    table = aligned_rows([*rows.items()])
    if split.has_giant:
        table += (
            "\nwarning: one component holds most pairs and stays in training, so validation comes from the rest "
            "and may not be like it; consider --way drop-seen, which drops pairs instead"
        )
    return table
