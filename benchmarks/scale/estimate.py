"""The cost of a catalogue of N items, from unit costs.

Letters: N items, W numbers an item.
"""

from dataclasses import dataclass

from benchmarks.scale.unit_costs import UnitCosts
from tools.catalogue.index_plan import KindName, memory_of, num_lists

ITERATIONS, SAMPLE_A_LIST = 10, 40
"""Of k-means, as tools/catalogue/item_index.py has them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a catalogue is indexed."""

    num_items: int
    kind: KindName
    shards: int
    """Indexes of equal parts of the items, on one machine or several."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a catalogue costs."""

    layout: Layout
    gpu_hours: float
    """Of encoding."""
    decoding_core_hours: float
    """Of reading the pictures meanwhile."""
    cpu_hours: float
    """Of encoding on two cores, without a GPU."""
    images_bytes: float
    embeddings_bytes: float
    """In float16."""
    item_file_bytes: float
    """Memory of a process that has read the item file."""
    lists: int
    """Of each shard."""
    shard_bytes: float
    """Memory of each shard's index."""
    build_core_hours: float
    """Of all shards: k-means, then the list of each item."""
    query_core_seconds: float
    """Of all shards together."""
    pairs_core_hours: float
    """Of all items as queries, for all identical pairs."""


def estimate(layout: Layout, costs: UnitCosts) -> Estimate:
    """Compute the cost of N items."""
    num_items, part = layout.num_items, layout.num_items // layout.shards
    lists = num_lists(part)
    query = layout.shards * _query_seconds(part, lists, layout.kind, costs)
    return Estimate(
        layout=layout,
        gpu_hours=num_items / costs.gpu_items / 3600,
        decoding_core_hours=num_items * costs.decoding_seconds / 3600,
        cpu_hours=num_items * costs.cpu_seconds_an_item / 3600,
        images_bytes=num_items * costs.image_bytes,
        embeddings_bytes=num_items * 2 * costs.width,
        item_file_bytes=num_items * costs.item_file_memory,
        lists=lists,
        shard_bytes=memory_of(layout.kind, part, costs.width),
        build_core_hours=layout.shards * _build_seconds(part, lists, costs) / 3600,
        query_core_seconds=query,
        pairs_core_hours=num_items * query / 3600,
    )


def _build_seconds(num_items: int, lists: int, costs: UnitCosts) -> float:
    comparisons = ITERATIONS * min(num_items, SAMPLE_A_LIST * lists) * lists + num_items * lists
    return comparisons * costs.width / costs.exact_numbers


def _query_seconds(num_items: int, lists: int, kind: KindName, costs: UnitCosts) -> float:
    speed = costs.list_codes if kind == "ivf_pq" else costs.list_items
    return lists * costs.width / costs.exact_numbers + num_items * costs.list_share / speed
