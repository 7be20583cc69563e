import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_pair import connected_components, read_pairs
from data.jsonl import DataError
from tests.tiny_data import write_lines

CATALOG = ItemCatalog([Item(item_id, "", {}, "", "x.jpg") for item_id in "abc"])


def line(source: object = "a", target: object = "b", **label: object) -> dict[str, object]:
    return {"src_item_id": source, "tgt_item_id": target, **label}


def test_pairs_become_rows_of_the_catalogue_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = [line("c", "a", item_label="1"), line("a", "b", item_label="0"), line("b", "b", item_label="1")]
    pairs = read_pairs(write_lines(tmp_path / "pairs.jsonl", lines), CATALOG, labelled=True)
    assert pairs.source.tolist() == [2, 0, 1]
    assert pairs.target.tolist() == [0, 1, 1]
    assert pairs.same is not None
    assert pairs.same.tolist() == [True, False, True]
    assert pairs.same.dtype == np.bool_
    assert len(pairs) == 3


@pytest.mark.parametrize("label", [{}, {"item_label": None}])
def test_pairs_without_labels_are_read_where_none_are_needed(tmp_path: Path, label: dict[str, object]) -> None:
    file = write_lines(tmp_path / "pairs.jsonl", [line(**label), line("b", "c", **label)])
    pairs = read_pairs(file, CATALOG)
    assert pairs.same is None
    assert pairs.target.tolist() == [1, 2]
    with pytest.raises(DataError, match=re.escape(f"{file}:1: has no 'item_label'")):
        read_pairs(file, CATALOG, labelled=True)


def test_all_pairs_may_be_different_products(tmp_path: Path) -> None:
    pairs = read_pairs(write_lines(tmp_path / "pairs.jsonl", [line(item_label="0")]), CATALOG)
    assert pairs.same is not None
    assert pairs.same.tolist() == [False]


@pytest.mark.parametrize("labels", [("1", None, None), (None, None, "0")])
def test_a_file_with_labels_on_some_lines_only_is_refused(tmp_path: Path, labels: tuple[str | None, ...]) -> None:
    file = write_lines(tmp_path / "pairs.jsonl", [line(item_label=label) for label in labels])
    odd = 2 if labels[0] else 3
    with pytest.raises(DataError, match=re.escape(f"{file}:{odd}: some pairs have 'item_label' and some do not")):
        read_pairs(file, CATALOG)


@pytest.mark.parametrize("label", [0, 1, 1.0, True, False, "", "2", "true", " 1", ["1"], {"a": 1}])
def test_any_other_label_is_refused(tmp_path: Path, label: object) -> None:
    file = write_lines(tmp_path / "pairs.jsonl", [line(item_label="1"), line(item_label=label)])
    with pytest.raises(DataError, match=re.escape(f"""{file}:2: 'item_label' should be the string "0" or "1", not""")):
        read_pairs(file, CATALOG)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (line("a", "x"), "item 'x' is not in the item file"),
        (line("x", "a"), "item 'x' is not in the item file"),
        (line(5), "'src_item_id' should be a string, not 5"),
        (line("a", None), "has no 'tgt_item_id'"),
        (line("a", ["b"]), "'tgt_item_id' should be a string"),
        (line(""), "'src_item_id' is empty"),
    ],
)
def test_a_faulty_id_names_file_line_and_id(tmp_path: Path, pair: dict[str, object], message: str) -> None:
    file = write_lines(tmp_path / "pairs.jsonl", [line(), pair])
    with pytest.raises(DataError, match=re.escape(f"{file}:2: {message}")):
        read_pairs(file, CATALOG)


def test_a_pair_is_kept_in_17_bytes_and_takes_few_more_meanwhile(tmp_path: Path) -> None:
    num_pairs = 5_000
    file = write_lines(tmp_path / "pairs.jsonl", [line("a", "b", item_label="1")] * num_pairs)
    tracemalloc.start()
    pairs = read_pairs(file, CATALOG, labelled=True)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(pairs) == num_pairs
    assert kept < 17 * num_pairs * 1.25
    assert most < 17 * num_pairs * 1.25 + 100_000


def test_a_file_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pairs\.jsonl: has no pairs"):
        read_pairs(write_lines(tmp_path / "pairs.jsonl", []), CATALOG)


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
