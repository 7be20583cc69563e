"""Clusters of pairs that depend on each other because they share items.

Letters of shapes: B pairs, N items.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARE = 1 / 200
"""Of the pairs: connected components of more than this are cut into parts of about this size."""
LEAST_PAIRS = 5
"""Components of no more than this are never cut."""


def pair_clusters(source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the cluster of every pair, from 0: pairs of different clusters share no item, or few.

    The clusters are the connected components of the graph whose nodes are items and whose edges are pairs. Few large
    components leave nothing to resample, so these are cut: a spanning tree is cut from its leaves wherever a part has
    gathered B x SHARE pairs, and a pair belongs to the part of its source. Cluster methods stay valid for the parts of
    one network if few links cross from part to part (Leung 2023, "Network Cluster-Robust Inference", Econometrica
    91(2)), as few do in sparse graphs. Where many cross, intervals are too narrow.

    Args:
        source: (B,) item numbers, from 0.
        target: (B,) item numbers.

    Returns:
        (B,) cluster numbers.
    """
    part = item_parts(source, target, max(LEAST_PAIRS, len(source) * SHARE))
    return np.unique(part[source], return_inverse=True)[1].astype(np.int64)


def item_parts(source: NDArray[np.int64], target: NDArray[np.int64], largest: float) -> NDArray[np.int64]:
    """Return the part of each of N items, by the number of one of its items: parts share few pairs, or none.

    A part is cut off as soon as its items are the source of `largest` pairs, so it has hardly more.
    """
    order, parent = _spanning_forest(source, target)
    gathered = np.bincount(source, minlength=len(order)).tolist()
    for item in reversed(order):
        if parent[item] >= 0 and gathered[item] < largest:
            gathered[parent[item]] += gathered[item]
        else:
            parent[item] = -1
    part = [0] * len(order)
    for item in order:
        part[item] = part[parent[item]] if parent[item] >= 0 else item
    return np.array(part, np.int64)


def _spanning_forest(source: NDArray[np.int64], target: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Return the N items breadth first and the parent of each, -1 for a root."""
    num_items = int(max(source.max(), target.max())) + 1
    ends = np.concatenate([source, target])
    others = np.concatenate([target, source])[np.argsort(ends, kind="stable")]
    neighbours = [each.tolist() for each in np.split(others, np.cumsum(np.bincount(ends, minlength=num_items))[:-1])]
    parent = [-2] * num_items
    order: list[int] = []
    for root in range(num_items):
        if parent[root] != -2:
            continue
        parent[root] = -1
        component = [root]
        for item in component:  # which grows
            for neighbour in neighbours[item]:
                if parent[neighbour] == -2:
                    parent[neighbour] = item
                    component.append(neighbour)
        order += component
    return order, parent
