"""Connected components of a graph given as an edge list."""

import numpy as np
from numpy.typing import NDArray


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
