"""Print what catalogues of 10^6, 10^8 and 10^9 items cost, computed from unit costs: the table of docs/scale.md.

Letters: N items, W numbers an item.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.arguments import positive_number
from tools.catalogue.index_plan import IndexPlan, KindName, num_lists

IMAGE_OPERATIONS = 207.8e9
"""Of Swin-L at 384 x 384 pixels, one picture: counted by torch.utils.flop_counter, a multiply-add as two."""
TEXT_OPERATIONS = 24.5e9
"""Of Chinese RoBERTa base with 140 tokens, the longest text; 11.0e9 with 64: counted likewise."""
BRANCHES = 2


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """What one item, one number or one comparison costs."""

    width: int = 1024
    """Numbers an item, both halves: those of the published model."""
    item_operations: float = BRANCHES * (IMAGE_OPERATIONS + TEXT_OPERATIONS)
    """Of encoding an item, at most."""
    gpu_operations: float = 312e12
    """A second: NVIDIA's figure for an A100 in bfloat16. Not measured."""
    gpu_utilisation: float = 0.35
    """Share of that which encoding reaches. Assumed, not measured."""
    cpu_seconds_an_item: float = 1 / 0.371
    """On two cores in float32: BENCHMARKS.md, row full-size."""
    image_bytes: float = 45e3
    """Of a JPEG of 384 x 384. Assumed."""
    decoding_seconds: float = 2.6e-3
    """Of a core, for a picture of 384 x 384: the slowest of what docs/speed.md has."""
    exact_numbers: float = 5.2e10
    """Multiply-adds of a core and second in products of many queries with many items: 50 queries/s on 1,000,000 items
    of 1,024 numbers with one thread, benchmarks.index."""
    list_items: float = 9.8e6
    """Items of 1,024 numbers that a core looks through in a second, exact scores of the best included, in ivf_fp16: 629
    queries/s with 32 of 2,048 lists of 1,000,000 items (564 in ivf_sq8), one thread, benchmarks.index."""
    list_codes: float = 11.0e6
    """Codes of 128 bytes (ivf_pq) likewise: 707 queries/s."""
    list_share: float = 1 / 64
    """Share of the lists that are looked through: recall@10 of 0.994 with 32 of 2,048, benchmarks.index."""

    item_file_memory: float = 350.0
    """Bytes of memory that a process takes at its peak for an item of 300 bytes in the item file: docs/speed.md, a
    catalogue of 10 million items."""

    @property
    def gpu_items(self) -> float:
        """Items that a GPU encodes in a second."""
        return self.gpu_operations * self.gpu_utilisation / self.item_operations


ITERATIONS, SAMPLE_A_LIST = 10, 40
"""Of k-means, as tools/catalogue/faiss_index.py has them."""


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
        shard_bytes=IndexPlan(layout.kind, part, costs.width).memory,
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


Cell = Callable[[Estimate], str]


def markdown_table(estimates: Sequence[Estimate]) -> str:
    """Return a column for each estimate."""
    head = ["items", *(f"{each.layout.num_items:.0e}".replace("e+0", "0^") for each in estimates)]
    lines = [head, ["---", *["---:"] * len(estimates)]]
    lines += [[name, *(cell(each) for each in estimates)] for name, cell in ROWS.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _three_digits(number: float) -> str:
    if number >= 100:
        return f"{float(f'{number:.2e}'):,.0f}"
    return f"{number:.3g}"


def _bytes(number: float) -> str:
    unit, name = next((unit, name) for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")) if number >= unit)
    return f"{_three_digits(number / unit)} {name}"


ROWS: dict[str, Cell] = {
    "GPU hours of encoding (A100, assumed rate)": lambda each: _three_digits(each.gpu_hours),
    "core hours of decoding pictures": lambda each: _three_digits(each.decoding_core_hours),
    "hours of encoding on two cores, no GPU": lambda each: _three_digits(each.cpu_hours),
    "images": lambda each: _bytes(each.images_bytes),
    "embeddings, float16": lambda each: _bytes(each.embeddings_bytes),
    "memory of the item file, in each process": lambda each: _bytes(each.item_file_bytes),
    "index": lambda each: f"{each.layout.shards} x {each.layout.kind}",
    "lists of each": lambda each: f"{each.lists:,}",
    "memory of each": lambda each: _bytes(each.shard_bytes),
    "core hours of building": lambda each: _three_digits(each.build_core_hours),
    "core seconds of a query": lambda each: _three_digits(each.query_core_seconds),
    "core hours of all pairs": lambda each: _three_digits(each.pairs_core_hours),
}


LAYOUTS = (Layout(10**6, "ivf_fp16", 1), Layout(10**8, "ivf_pq", 10), Layout(10**9, "ivf_pq", 8))


def main() -> None:
    """Parse the command line, compute, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = UnitCosts()
    parser.add_argument(
        "--gpu-operations", type=positive_number, default=usual.gpu_operations, help="of a GPU a second (%(default)g)"
    )
    parser.add_argument(
        "--gpu-utilisation", type=positive_number, default=usual.gpu_utilisation, help="share of them (%(default)g)"
    )
    parser.add_argument(
        "--list-share", type=positive_number, default=usual.list_share, help="share of an index looked through"
    )
    parsed = parser.parse_args()
    costs = replace(
        usual,
        gpu_operations=parsed.gpu_operations,
        gpu_utilisation=parsed.gpu_utilisation,
        list_share=parsed.list_share,
    )
    print(markdown_table([estimate(layout, costs) for layout in LAYOUTS]))


if __name__ == "__main__":
    main()
