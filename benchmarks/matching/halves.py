"""The validation pairs of a data folder in two halves: one chooses the threshold, the other is scored.

Letters of shapes: B pairs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.item_catalog import ItemCatalog, read_items
from data.item_pair import PairTable, read_pairs
from metrics.clusters import pair_clusters
from options.errors import UserError

ITEM_FILES = ("items.jsonl", "item_info.jsonl")


@dataclass(frozen=True, slots=True)
class Half:
    """Labelled data whose threshold is chosen on one half of the validation pairs, and which is scored on the other."""

    items: Path
    images: Path | None
    train: Path
    chosen_on: Path
    scored_on: Path

    def tables(self) -> tuple[ItemCatalog, PairTable, PairTable, PairTable]:
        """Return the items, and the pairs to train on, to choose the threshold on and to score."""
        catalog = read_items(self.items, has_images=self.images is not None)
        train, chosen, scored = (
            read_pairs(file, catalog, labelled=True) for file in (self.train, self.chosen_on, self.scored_on)
        )
        return catalog, train, chosen, scored


def halves(folder: Path, work: Path, seed: int) -> Iterator[Half]:
    """Yield both ways round; raises UserError for a folder without items or pairs.

    Clusters of pairs that share items stay together.
    """
    items = next((folder / name for name in ITEM_FILES if (folder / name).is_file()), None)
    train, val = folder / "pairs_train.jsonl", folder / "pairs_val.jsonl"
    if items is None or not (train.is_file() and val.is_file()):
        raise UserError(f"{folder}: holds no {' or '.join(ITEM_FILES)} with pairs_train.jsonl and pairs_val.jsonl")
    images = folder / "images" if (folder / "images").is_dir() else None
    pairs = read_pairs(val, read_items(items, has_images=False), labelled=True)
    is_first = _first_half(pairs, seed)
    lines = val.read_text(encoding="utf-8").splitlines()
    files = []
    for number, chosen in enumerate((is_first, ~is_first)):
        file = work / f"half_{seed}_{number}.jsonl"
        kept = [line for line, own in zip(filter(json.loads, lines), chosen.tolist(), strict=True) if own]
        file.write_text("\n".join(kept) + "\n", encoding="utf-8")
        files.append(file)
    yield Half(items, images, train, files[0], files[1])
    yield Half(items, images, train, files[1], files[0])


def _first_half(pairs: PairTable, seed: int) -> NDArray[np.bool_]:
    """Tell of B pairs which are in the first half: (B,)."""
    clusters = pair_clusters(pairs.source, pairs.target)
    of_cluster = np.random.default_rng(seed).permutation(clusters.max() + 1)
    half: NDArray[np.bool_] = of_cluster[clusters] % 2 == 0
    return half
