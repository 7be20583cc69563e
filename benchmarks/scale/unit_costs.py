"""Unit costs, each with where it is from, of which the cost of a catalogue is computed."""

from dataclasses import dataclass

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
