"""All pairs of a pair file, as rows of a catalogue, and the groups of items that they connect."""

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.compact_rows import NUMBERS
from data.item import ItemPair
from data.item_catalog import ItemCatalog
from data.jsonl import DataError, Record, excerpt, id_field, read_records
from options.printable import quoted

LABELS = "b"
"""Type code of labels: a byte each."""


@dataclass(frozen=True, slots=True)
class PairTable:
    """B pairs in the order of their file."""

    source: NDArray[np.int64]
    """(B,) rows of the catalogue"""
    target: NDArray[np.int64]
    """(B,) rows of the catalogue"""
    same: NDArray[np.bool_] | None
    """(B,) or None where the file has no labels"""

    def __len__(self) -> int:
        return len(self.source)


def read_pairs(file: Path, catalog: ItemCatalog, labelled: bool = False) -> PairTable:
    """Read a pair file; labels are on all lines or on none, and `labelled` demands them.

    Raises DataError for a malformed line, an id that the catalogue lacks, a label other than "0" or "1",
    labels on some lines only, and an empty file.
    """
    source = array(NUMBERS)
    target = array(NUMBERS)
    same = array(LABELS)
    is_labelled = labelled
    for number, record in read_records(file):
        pair = parse_pair(file, number, record)
        source.append(_row(file, number, catalog, pair.source_id))
        target.append(_row(file, number, catalog, pair.target_id))
        if labelled and pair.same is None:
            raise DataError(file, number, "has no 'item_label', which training and evaluation need")
        if len(source) == 1:
            is_labelled = pair.same is not None
        if (pair.same is not None) != is_labelled:
            raise DataError(file, number, "some pairs have 'item_label' and some do not")
        same.append(pair.same is True)
    if not source:
        raise DataError(file, None, "has no pairs")
    labels = np.asarray(same, np.bool_) if is_labelled else None
    return PairTable(np.asarray(source, np.int64), np.asarray(target, np.int64), labels)


def refuse_one_label(file: Path, same: NDArray[np.bool_] | None) -> None:
    """Raise DataError where all labels (B,) of a pair file are alike: they teach nothing, and any decision is right."""
    for label, meaning in enumerate(("different", "the same")):
        if same is not None and not (same == label).any():
            raise DataError(
                file,
                None,
                f"""no pair is labelled {meaning} ("item_label": "{label}"); give pairs of both labels, to learn and """
                "to evaluate by",
            )


def parse_pair(file: Path, number: int, record: Record) -> ItemPair:
    """Return the pair of a line's record; raises DataError for a field that is absent or wrong."""
    label = record.get("item_label")
    if label not in (None, "0", "1"):
        raise DataError(file, number, f"""'item_label' should be the string "0" or "1", not {excerpt(label)}""")
    return ItemPair(
        source_id=id_field(file, number, record, "src_item_id"),
        target_id=id_field(file, number, record, "tgt_item_id"),
        same=None if label is None else label == "1",
    )


def _row(file: Path, number: int, catalog: ItemCatalog, item_id: str) -> int:
    row = catalog.row(item_id)
    if row is None:
        raise DataError(file, number, f"item {quoted(item_id)} is not in the item file")
    return row


def connected_components(num_nodes: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Label every node with the smallest node number of its connected component.

    Args:
        num_nodes: N, the nodes are 0 .. N-1.
        edges: (E, 2) node numbers; direction, repeats and self-loops make no difference.

    Returns:
        (N,) labels; two nodes are connected exactly when their labels are equal.

    Raises:
        ValueError: edges are not (E, 2), or name a node outside 0 .. N-1.
    """
    if edges.ndim != 2 or edges.shape[1] != 2:
        raise ValueError(f"edges must have the shape (E, 2), not {edges.shape}")
    if edges.size and not (edges.min() >= 0 and edges.max() < num_nodes):
        raise ValueError(f"edges name nodes outside 0 .. {num_nodes - 1}")
    root = np.arange(num_nodes, dtype=np.int64)
    # Each round hangs every root below its smallest neighbouring root, so trees only ever point to
    # smaller numbers and no cycle can arise; the rounds are logarithmic in N.
    while True:
        ends = root[edges]
        open_edges = ends[:, 0] != ends[:, 1]
        if not open_edges.any():
            return root
        edges = ends[open_edges]
        np.minimum.at(root, edges.max(axis=1), edges.min(axis=1))
        root = _flatten(root)


def _flatten(root: NDArray[np.int64]) -> NDArray[np.int64]:
    """Point every node directly at the root of its tree."""
    while True:
        grandparent = root[root]
        if np.array_equal(grandparent, root):
            return root
        root = grandparent
