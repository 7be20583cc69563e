"""What the kinds of index take and find, and their table and record."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.index.workload import Workload
from engine.disk import write_text
from options.table import aligned_rows
from tests.endurance.peak_memory import peak_bytes
from tools.catalogue.embedding_folder import open_embeddings
from tools.catalogue.faiss_index import create_index, learn_centroids, load_index, sample_size
from tools.catalogue.index_plan import KINDS, KindName, plan_index
from tools.catalogue.index_record import IndexedItem
from tools.catalogue.rescored_search import IndexedNumbers, RescoredSearch
from tools.catalogue.search_backend import Numbers, Searcher

BLOCK = 8192
TOP = 10


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """The queries at one number of probes."""

    probes: int
    recall: float
    """Share of the exact top 10 that is found."""
    queries_per_second: float
    """Of processor time, all queries asked at once."""


@dataclass(frozen=True, slots=True)
class KindFigures:
    """What was measured of a kind."""

    kind: KindName
    lists: int
    build_seconds: float
    """Of processor time, the k-means that kinds share included."""
    index_bytes: int
    """Of the file, as in memory."""
    peak_bytes: int
    """Of the process that builds and searches, torch and the sample included."""
    searches: list[SearchFigures]


def measure(workload: Workload, kind: KindName, probes: Sequence[int]) -> KindFigures:
    """Build and search an index; the flat one makes the truth of the others' recall, so that it comes first.

    An exact kind is searched once, an approximate one at each number of probes, its items scored again exactly.
    """
    embeddings = open_embeddings(workload.embeddings)
    threshold_width, match_width = embeddings.record.threshold_width, embeddings.record.match_width
    # Rows for ids: the names of the items are of no use here.
    ids = list(map(str, range(len(embeddings))))
    plan = plan_index(kind, len(ids), threshold_width + match_width, np.inf)
    file = workload.folder / f"{kind}.faiss"
    start = time.process_time()
    sample = embeddings.sample(sample_size(plan) or 1)
    centroids, learned_seconds = _centroids(workload, sample, plan.lists) if plan.lists else (None, 0.0)
    index = create_index(plan, sample, threshold_width, 1, centroids)
    first = 0
    for block in embeddings.blocks(BLOCK):
        index.add(ids[first : first + len(block)], block)
        first += len(block)
    index.save(file)
    seconds = time.process_time() - start + learned_seconds
    del index, sample
    queries = np.load(workload.queries)
    items = [IndexedItem(item_id, "", "", row) for row, item_id in enumerate(ids)]
    numbers = IndexedNumbers(embeddings, items)
    searches = []
    for count in [0] if KINDS[kind].is_exact else probes:
        loaded = load_index(file, kind, threshold_width, ids, count, mapped=False)
        searcher = (
            loaded if KINDS[kind].is_exact else RescoredSearch(loaded, False, numbers, items, threshold_width, file)
        )
        searches.append(_search(workload, searcher, queries, count, is_truth=kind == "flat"))
        del loaded, searcher
    size = file.stat().st_size
    file.unlink()
    return KindFigures(kind, plan.lists, seconds, size, peak_bytes(), searches)


def _centroids(workload: Workload, sample: Numbers, count: int) -> tuple[Numbers, float]:
    """Return the centroids that all kinds share, and the seconds of finding them where that is not now."""
    file = workload.centroids(count)
    if file.is_file():
        kept = np.load(file)
        return kept["centroids"], float(kept["seconds"])
    start = time.process_time()
    centroids = learn_centroids(sample, count)
    np.savez(file, centroids=centroids, seconds=time.process_time() - start)
    return centroids, 0.0


def _search(workload: Workload, searcher: Searcher, queries: Numbers, probes: int, *, is_truth: bool) -> SearchFigures:
    searcher.search(queries[:8], TOP)  # the first one reads pages
    start = time.process_time()
    found = searcher.search(queries, TOP)
    seconds = time.process_time() - start
    best = np.array([[int(neighbour.item_id) for neighbour in [*own, *own[:1] * TOP][:TOP]] for own in found])
    truth_file = workload.folder / "truth.npy"
    if is_truth:
        np.save(truth_file, best)
    truth = np.load(truth_file)
    recall = np.mean([len({*own.tolist()} & {*true.tolist()}) / TOP for own, true in zip(best, truth, strict=True)])
    return SearchFigures(probes, float(recall), len(queries) / seconds)


HEADINGS = ("kind", "lists", "build s", "index GB", "peak GB", "probes", "recall@10", "queries/s", "x exact")


def figures_table(figures: Iterable[KindFigures]) -> str:
    """Return a line for each kind and number of probes; the first kind is the exact search."""
    rows = [HEADINGS]
    exact = None
    for kind in figures:
        for search in kind.searches:
            exact = exact or search.queries_per_second
            rows.append(
                (
                    kind.kind,
                    f"{kind.lists:,}" if kind.lists else "",
                    f"{kind.build_seconds:,.0f}",
                    f"{kind.index_bytes / 1e9:.2f}",
                    f"{kind.peak_bytes / 1e9:.2f}",
                    str(search.probes or ""),
                    f"{search.recall:.3f}",
                    f"{search.queries_per_second:,.0f}",
                    f"{search.queries_per_second / exact:.1f}",
                )
            )
    return aligned_rows(rows, ruled=True)


def write_record(file: Path, setting: Mapping[str, object], figures: Iterable[KindFigures]) -> None:
    """Write all figures as JSON."""
    content = {**setting, "kinds": [asdict(kind) for kind in figures]}
    write_text(file, json.dumps(content, indent=2) + "\n")
