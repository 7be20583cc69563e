import numpy as np
import pytest

from data.components import connected_components


def labels_by_slow_search(num_nodes: int, edges: list[tuple[int, int]]) -> list[int]:
    neighbours: dict[int, set[int]] = {node: set() for node in range(num_nodes)}
    for first, second in edges:
        neighbours[first].add(second)
        neighbours[second].add(first)
    labels = [-1] * num_nodes
    for start in range(num_nodes):
        waiting = [start] if labels[start] < 0 else []
        while waiting:
            node = waiting.pop()
            if labels[node] < 0:
                labels[node] = start
                waiting.extend(neighbours[node])
    return labels


@pytest.mark.parametrize("seed", range(200))
def test_labels_equal_those_of_a_slow_search(seed: int) -> None:
    generator = np.random.default_rng(seed)
    num_nodes = int(generator.integers(1, 30))
    edges = generator.integers(0, num_nodes, (int(generator.integers(0, 40)), 2))
    labels = connected_components(num_nodes, edges)
    assert labels.tolist() == labels_by_slow_search(num_nodes, edges.tolist())


def test_a_graph_without_edges_has_a_component_per_node() -> None:
    assert connected_components(4, np.empty((0, 2), dtype=np.int64)).tolist() == [0, 1, 2, 3]


def test_a_long_chain_in_random_order_is_one_component() -> None:
    order = np.random.default_rng(0).permutation(200_000)
    labels = connected_components(200_000, np.stack([order[:-1], order[1:]], axis=1))
    assert not labels.any()


def test_edges_outside_the_nodes_are_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        connected_components(2, np.array([[0, 2]]))
    with pytest.raises(ValueError, match="outside"):
        connected_components(2, np.array([[-1, 1]]))


def test_edges_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        connected_components(3, np.array([0, 1, 2]))
