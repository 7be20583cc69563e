"""Items in an inner-product index of FAISS, exact or approximate; the one file that knows FAISS.

Letters of shapes: M queries or items, W numbers an item.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from options.errors import UserError
from tools.catalogue.index_plan import KINDS, IndexPlan, KindName, num_codes
from tools.catalogue.search_backend import Neighbour, Numbers, query_numbers

ITERATIONS = 10
"""Of k-means."""
SAMPLE_A_LIST = 40
"""Items a list from which k-means learns."""
CODE_VALUES = 256
"""Of a byte of product quantisation, each learned from an item at least."""
LINK_SEARCH = 128
"""Candidates that HNSW keeps while it adds an item."""


class FaissIndex:
    """A search backend in this process; see tools/catalogue/search_backend.py.

    A removed item keeps its row, is found no more, and takes its memory until the index is built again.
    """

    def __init__(self, index: faiss.Index, threshold_width: int, item_ids: Sequence[str | None], probes: int) -> None:
        """Serve an index whose rows are these items, None for removed ones.

        `probes` are the lists that are looked through, or the candidates that HNSW keeps.
        """
        self._index = index
        self._threshold_width = threshold_width
        self._item_ids = list(item_ids)
        self._rows = {item_id: row for row, item_id in enumerate(self._item_ids) if item_id is not None}
        if isinstance(index, faiss.IndexIVF):
            index.nprobe = min(probes, index.nlist)
        elif isinstance(index, faiss.IndexHNSW):
            index.hnsw.efSearch = probes

    @property
    def width(self) -> int:
        """How many numbers an item has."""
        return int(self._index.d)

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self._rows)

    def add(self, item_ids: Sequence[str], packed: Numbers) -> None:
        """Add items that are not there yet, with their numbers (M, W)."""
        with _nearest_lists(self._index):
            self._index.add(np.ascontiguousarray(packed, np.float32))
        self._rows.update(zip(item_ids, range(len(self._item_ids), self._index.ntotal), strict=True))
        self._item_ids.extend(item_ids)

    def remove(self, item_ids: Sequence[str]) -> None:
        """Remove items that are there."""
        for item_id in item_ids:
            self._item_ids[self._rows.pop(item_id)] = None

    def search(self, packed: Numbers, k: int) -> list[list[Neighbour]]:
        """Return the k items with the highest margins for each of M queries (M, W), the highest first."""
        queries = query_numbers(packed, self._threshold_width)
        found: list[list[Neighbour]] = [[] for _ in queries]
        waiting = np.arange(len(queries))
        depth = min(k, self._index.ntotal)
        while len(waiting) and depth:
            margins, rows = self._index.search(queries[waiting], depth)
            short = []
            for query, own_margins, own_rows in zip(waiting.tolist(), margins, rows, strict=True):
                found[query] = self._present(own_margins, own_rows)[:k]
                if len(found[query]) < min(k, len(self)) and own_rows[-1] >= 0:
                    short.append(query)
            if depth == self._index.ntotal:
                break
            # Removed items stood in the way of these.
            waiting, depth = np.array(short, np.int64), min(2 * depth, self._index.ntotal)
        return found

    def save(self, file: Path) -> None:
        """Write the index as it is, removed rows included."""
        faiss.write_index(self._index, str(file))

    def _present(self, margins: NDArray[np.float32], rows: NDArray[np.int64]) -> list[Neighbour]:
        found = []
        order = np.lexsort((rows, -margins))  # of equal margins FAISS gives the last row first
        for row, margin in zip(rows[order].tolist(), margins[order].tolist(), strict=True):
            item_id = self._item_ids[row] if row >= 0 else None
            if item_id is not None:
                found.append(Neighbour(item_id, margin))
        return found


def create_index(
    plan: IndexPlan, sample: Numbers, threshold_width: int, probes: int, centroids: Numbers | None = None
) -> FaissIndex:
    """Return an index without items, for items such as the sample (M, W), from which it learns.

    It needs not learn the lists whose centroids (lists, W) are given. Raises UserError for a sample that is too small.
    """
    if plan.kind == "ivf_pq" and len(sample) < CODE_VALUES:
        raise UserError(
            f"an ivf_pq index learns from at least {CODE_VALUES} items, not {len(sample)}: take --kind flat"
        )
    return FaissIndex(_trained(plan, np.ascontiguousarray(sample, np.float32), centroids), threshold_width, [], probes)


def sample_size(plan: IndexPlan) -> int:
    """Return how many items create_index wants to see; 0 where it learns nothing."""
    return max(plan.lists * SAMPLE_A_LIST, 10_000) if KINDS[plan.kind].has_lists else 0


def load_index(
    file: Path, kind: KindName, threshold_width: int, item_ids: Sequence[str | None], probes: int, mapped: bool
) -> FaissIndex:
    """Read an index, memory-mapped if it is only searched; raises UserError for a file that is none of these items."""
    # Only what is needed of a mapped file is read, and processes share it; FAISS maps lists in a way of their own.
    mapping = faiss.IO_FLAG_MMAP if KINDS[kind].has_lists else faiss.IO_FLAG_MMAP_IFC
    try:
        index = faiss.read_index(str(file), mapping if mapped else 0)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file}: cannot be read as an index: {reason}; build it again with --rebuild") from error
    if index.ntotal != len(item_ids):
        raise UserError(f"{file}: has {index.ntotal:,} rows, not {len(item_ids):,}; build it again with --rebuild")
    return FaissIndex(index, threshold_width, item_ids, probes)


def _trained(plan: IndexPlan, sample: Numbers, centroids: Numbers | None) -> faiss.Index:
    width = sample.shape[1]
    stored = KINDS[plan.kind].stored
    if not plan.lists:
        index = faiss.index_factory(width, stored, faiss.METRIC_INNER_PRODUCT)
        if isinstance(index, faiss.IndexHNSW):
            index.hnsw.efConstruction = LINK_SEARCH
        index.train(sample[:1])  # half precision has nothing to learn, and says that it wants to
        return index
    codes = str(num_codes(width)) if stored == "PQ" else ""
    index = faiss.index_factory(width, f"IVF{plan.lists},{stored}{codes}", faiss.METRIC_INNER_PRODUCT)
    lists = faiss.extract_index_ivf(index)
    if isinstance(index, faiss.IndexIVFPQ):
        index.pq.cp.min_points_per_centroid = 1
        if hasattr(index, "do_polysemous_training"):
            # Seconds of learning for a way of searching that is not gone here (polysemous_ht is 0).
            index.do_polysemous_training = False
    faiss.downcast_index(lists.quantizer).add(learn_centroids(sample, plan.lists) if centroids is None else centroids)
    with _nearest_lists(index):
        index.train(sample)
    return index


def learn_centroids(sample: Numbers, count: int) -> Numbers:
    """Return the centroids that k-means finds in a sample (M, W): (count, W)."""
    clustering = faiss.Kmeans(
        sample.shape[1], count, niter=ITERATIONS, seed=1, min_points_per_centroid=1, max_points_per_centroid=2**30
    )
    clustering.train(sample)
    assert clustering.centroids is not None
    return clustering.centroids


@contextmanager
def _nearest_lists(index: faiss.Index) -> Iterator[None]:
    """Put items into the list whose centroid is nearest, not into that of the highest inner product.

    The highest products are with the longest centroids, whose lists would take most items. Queries do go by
    products, for that is what they ask.
    """
    if not isinstance(index, faiss.IndexIVF):
        yield
        return
    by_product = faiss.downcast_index(index.quantizer)
    by_distance = faiss.IndexFlatL2(index.d)
    by_distance.add(by_product.reconstruct_n(0, by_product.ntotal))
    index.quantizer = by_distance
    try:
        yield
    finally:
        index.quantizer = by_product
