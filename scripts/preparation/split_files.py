"""Split a pair file into a training and a validation file, and report what the two have in common."""

import hashlib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.item_catalog import ItemCatalog, read_items
from data.item_image import find_image
from data.item_pair import PairTable, read_pairs
from data.item_text import item_text
from data.pair_split import PairSplit, split_by_components, split_dropping_seen
from options.errors import UserError

Way = Literal["components", "drop-seen"]


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
        UserError: a file cannot be read, pairs lack labels, or one side would be empty.
    """
    catalog = read_items(items_file)
    table = read_pairs(pairs_file, catalog, labelled=True)
    split = _split(catalog, table, way=way, ratio=ratio, seed=seed)
    if not split.val.any() or not split.train.any():
        raise UserError(
            f"{pairs_file}: one side of the split is empty: {split.num_components} components, the largest with "
            f"{split.largest_component} of {len(table)} pairs; try --way drop-seen or another --ratio"
        )
    output.mkdir(parents=True, exist_ok=True)
    _write_lines(pairs_file, output / "pair_train.jsonl", split.train)
    _write_lines(pairs_file, output / "pair_val.jsonl", split.val)
    assert table.same is not None  # read_pairs demanded labels
    train_rows, val_rows = _rows(table, split.train), _rows(table, split.val)
    same_image, num_missing = None, 0
    if images is not None:
        train_images = _image_hashes(catalog, train_rows, images)
        val_images = _image_hashes(catalog, val_rows, images)
        same_image = _count_shared(train_images, val_images)
        num_missing = train_images.count(None) + val_images.count(None)
    return SplitReport(
        split=split,
        train_positive=float(table.same[split.train].mean()),
        val_positive=float(table.same[split.val].mean()),
        num_same_text=_count_shared(_texts(catalog, train_rows), _texts(catalog, val_rows)),
        num_same_image=same_image,
        num_images_missing=num_missing,
    )


def _split(catalog: ItemCatalog, table: PairTable, *, way: Way, ratio: float, seed: int) -> PairSplit:
    pairs = _listing_rows(catalog)[np.stack([table.source, table.target], axis=1)]
    if way == "drop-seen":
        return split_dropping_seen(pairs, len(catalog), ratio=ratio, seed=seed)
    names = sorted({item.category for item in catalog})
    numbers = {name: number for number, name in enumerate(names)}
    category = np.array([numbers[catalog[row].category] for row in table.source.tolist()], dtype=np.int64)
    assert table.same is not None  # read_pairs demanded labels
    return split_by_components(pairs, category, table.same, len(catalog), ratio=ratio, seed=seed)


def _listing_rows(catalog: ItemCatalog) -> NDArray[np.int64]:
    """Return for each row the first row of the same content, so that one listing under two ids stays on one side."""
    first: dict[Hashable, int] = {}
    return np.array([first.setdefault(item.content, row) for row, item in enumerate(catalog)], dtype=np.int64)


def _write_lines(source: Path, target: Path, keep: NDArray[np.bool_]) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    with source.open("rb") as lines, temporary.open("wb") as kept:
        pairs = (line for line in lines if line.strip())
        for line, wanted in zip(pairs, keep.tolist(), strict=True):
            if wanted:
                kept.write(line if line.endswith(b"\n") else line + b"\n")
    temporary.replace(target)


def _rows(table: PairTable, side: NDArray[np.bool_]) -> list[int]:
    rows: list[int] = np.unique(np.concatenate([table.source[side], table.target[side]])).tolist()
    return rows


def _texts(catalog: ItemCatalog, rows: Iterable[int]) -> list[str | None]:
    return [item_text(catalog[row], tuple(sorted(catalog[row].attributes))) or None for row in rows]


def _image_hashes(catalog: ItemCatalog, rows: Iterable[int], images: Path) -> list[str | None]:
    return [_file_hash(find_image(images, catalog[row].image)) for row in rows]


def _file_hash(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _count_shared(train: list[str | None], val: list[str | None]) -> int:
    seen = set(train) - {None}
    return sum(value in seen for value in val)
