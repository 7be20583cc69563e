"""From embeddings and labelled pairs to a pair file of near misses."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from data.item_pair import parse_pair
from data.jsonl import DataError, read_records
from engine.disk import whole_file
from models.embedding import ItemEmbedding, unpack
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_folder import EmbeddingFolder, open_embeddings
from tools.catalogue.near_misses import Guards, LabelledPairs, NearMisses, median_positive_margin, near_misses

ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """How negatives are chosen."""

    per_item: int
    ceiling: float | None
    """None: the median margin of the pairs that are the same."""
    same_category: bool
    ungrouped: bool
    keep_pairs: bool
    """Whether the labelled pairs come first in the file."""


@dataclass(frozen=True, slots=True)
class Mined:
    """What was found and written."""

    num_items: int
    num_grouped: int
    """Items of which a same product is known."""
    ceiling: float
    found: NearMisses
    num_lines: int


def mine(embeddings: Path, pairs_file: Path, out: Path, settings: MiningSettings) -> Mined:
    """Write the pair file; raises UserError for files that cannot be read or written, or without a usable ceiling."""
    if out.exists():
        raise UserError(f"{out}: exists already; remove it or name another file")
    folder = open_embeddings(embeddings)
    ids = list(folder.ids())
    pairs = _read_pairs(pairs_file, ids)
    items = _read_embeddings(folder)
    ceiling = settings.ceiling if settings.ceiling is not None else median_positive_margin(items, pairs)
    if math.isnan(ceiling):
        raise UserError(
            f"{pairs_file}: no pair is the same product, so that products are not known and the ceiling neither"
        )
    category = _numbered(folder) if settings.same_category else None
    found = near_misses(items, pairs, Guards(ceiling, settings.ungrouped, category), settings.per_item)
    if not len(found.source):
        raise UserError(
            f"{embeddings}: no pair of items passed the guards below the ceiling {ceiling:.4f}; raise --ceiling, or "
            "take --ungrouped if few items have a known same product"
        )
    lines = [_line(ids[source], ids[target]) for source, target in zip(found.source, found.target, strict=True)]
    kept = [json.dumps(record, ensure_ascii=False) for _, record in read_records(pairs_file)]
    lines = [*kept, *lines] if settings.keep_pairs else lines
    with whole_file(out) as stream:
        stream.writelines(f"{line}\n" for line in lines)
    return Mined(len(ids), int(pairs.grouped(len(ids)).sum()), ceiling, found, len(lines))


def _read_pairs(file: Path, ids: list[str]) -> LabelledPairs:
    rows = {item_id: row for row, item_id in enumerate(ids)}
    ends: list[tuple[int, int]] = []
    same = []
    for number, record in read_records(file):
        pair = parse_pair(file, number, record)
        if pair.same is None:
            raise DataError(file, number, "has no 'item_label'; which items are one product has to be known")
        for item_id in (pair.source_id, pair.target_id):
            if item_id not in rows:
                raise DataError(file, number, f"item {quoted(item_id)} is not among the embeddings")
        ends.append((rows[pair.source_id], rows[pair.target_id]))
        same.append(pair.same)
    if not ends:
        raise DataError(file, None, "has no pairs")
    source, target = np.array(ends, np.int64).T
    return LabelledPairs(source, target, np.array(same, np.bool_))


def _read_embeddings(folder: EmbeddingFolder) -> ItemEmbedding:
    packed = torch.from_numpy(np.concatenate(list(folder.blocks(ROWS_AT_ONCE))))
    return unpack(packed, folder.record.threshold_width)


def _numbered(folder: EmbeddingFolder) -> NDArray[np.int64]:
    """Return the categories by number, -1 where an item has none: (N,)."""
    numbers = {"": -1}
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in folder.categories()), np.int64)


def _line(source: str, target: str) -> str:
    return json.dumps({"src_item_id": source, "tgt_item_id": target, "item_label": "0"}, ensure_ascii=False)
