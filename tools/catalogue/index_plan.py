"""Which kind of index serves how many items, and what memory it takes.

Letters: N items, W numbers an item.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log2, sqrt
from typing import Literal

from options.errors import UserError

KindName = Literal["flat", "flat_fp16", "hnsw", "ivf_fp16", "ivf_sq8", "ivf_pq"]

MOST_EXACT_ITEMS = 100_000
"""Up to so many, every item is compared with every other: they are found faster than lists of them are made."""
LINKS = 32
"""Of an item in the graph of HNSW, twice as many in the lowest layer."""
NUMBERS_A_CODE = 8
"""That product quantisation turns into one byte."""
MOST_CODES = 128


@dataclass(frozen=True, slots=True)
class IndexKind:
    """A kind of index as FAISS has it."""

    stored: str
    """How FAISS names what is stored of an item."""
    item_bytes: Callable[[int], float]
    """Of an item of W numbers."""
    is_exact: bool = False
    """Whether it finds the best items for certain."""
    has_lists: bool = False
    """Whether items are kept in lists, few of which are looked through."""
    half_precision: bool = False
    """Whether it stores float16."""
    probes: int = 32
    """Lists that a search looks through, or candidates that HNSW keeps, unless told otherwise: recall@10 above .95 on
    1,000,000 items, benchmarks.index."""


KINDS: Mapping[KindName, IndexKind] = {
    "flat": IndexKind("Flat", lambda width: 4 * width, is_exact=True),
    "flat_fp16": IndexKind("SQfp16", lambda width: 2 * width, is_exact=True, half_precision=True),
    "hnsw": IndexKind(
        f"HNSW{LINKS},SQfp16", lambda width: 2 * width + 4 * 2.1 * LINKS, half_precision=True, probes=128
    ),
    "ivf_fp16": IndexKind("SQfp16", lambda width: 2 * width + 8, has_lists=True, half_precision=True),
    "ivf_sq8": IndexKind("SQ8", lambda width: width + 8, has_lists=True),
    "ivf_pq": IndexKind("PQ", lambda width: num_codes(width) + 8, has_lists=True),
}


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """What is built."""

    kind: KindName
    num_items: int
    width: int
    """Numbers an item."""

    @property
    def lists(self) -> int:
        """Into which the items are parted by k-means; 0 for a kind without."""
        return num_lists(self.num_items) if KINDS[self.kind].has_lists else 0

    @property
    def memory(self) -> int:
        """Bytes that the items will take, by arithmetic."""
        return round(self.num_items * KINDS[self.kind].item_bytes(self.width) + self.lists * 4 * self.width)


def num_codes(width: int) -> int:
    """Return how many bytes product quantisation makes of W numbers: the most that divide them evenly."""
    return next(codes for codes in range(min(MOST_CODES, max(1, width // NUMBERS_A_CODE)), 0, -1) if width % codes == 0)


def plan_index(kind: KindName | Literal["auto"], num_items: int, width: int, most_bytes: float) -> IndexPlan:
    """Return the plan for N items of W numbers; auto takes the most exact kind for their number that fits.

    Raises UserError where the kind does not fit into so many bytes, auto where none does.
    """
    auto: list[KindName] = ["flat"] if num_items <= MOST_EXACT_ITEMS else ["ivf_fp16", "ivf_sq8", "ivf_pq"]
    plans = [IndexPlan(name, num_items, width) for name in (auto if kind == "auto" else [kind])]
    for plan in plans:
        if plan.memory <= most_bytes:
            return plan
    raise UserError(
        f"{num_items:,} items of {width:,} numbers take {plans[-1].memory / 1e9:.2f} GB in an index of kind "
        f"{plans[-1].kind}, and {most_bytes / 1e9:.2f} GB are allowed: allow more (--memory) or take another kind "
        "(--kind), or a cluster (--backend milvus)"
    )


def num_lists(num_items: int) -> int:
    """Return the power of two nearest to 2 sqrt(N), so that finding lists and looking through some cost alike."""
    return min(num_items, int(2 ** round(log2(2 * sqrt(num_items))))) if num_items else 0
