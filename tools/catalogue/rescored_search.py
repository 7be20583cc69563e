"""What another search has found, ordered by margins in float64 of the embeddings themselves.

Match and threshold of a pair may be large beside their difference, which float32 then gives few digits of.

Letters of shapes: M queries or rows, C candidates, W numbers an item.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_folder import EmbeddingFolder
from tools.catalogue.embedding_shard import NUMBERS
from tools.catalogue.index_record import IndexedItem, embedding_digest
from tools.catalogue.search_backend import Neighbour, Numbers, Searcher, query_numbers

CANDIDATES = 4
"""Of a quick approximate search, for each item that is asked for; the best of them by their own margins are kept."""
POOL = 4096
"""Candidates of a thorough approximate search, however many are asked for: so longer lists begin with shorter ones."""
SPARE = 8
"""Candidates of an exact search at first beyond those that are asked for, as its float32 may exchange close ones."""
WIDEST = 2048
"""Candidates of a quick exact search, at most, where more and more of them come close to the last one."""
CAUTION = 4
"""Times the largest error of the candidates' float32 margins that others are thought to have at most."""
AT_ONCE = 2**21
"""Candidates of all queries together."""


@dataclass(frozen=True)
class IndexedNumbers:
    """The embeddings of the rows of an index, each seen once to be that of which the index was built."""

    embeddings: EmbeddingFolder
    items: Sequence[IndexedItem]

    def take(self, rows: Sequence[int]) -> Numbers:
        """Return the numbers of M rows of the index: (M, W), threshold half first.

        Raises UserError for a row that is not as it was when the index was built.
        """
        places = [place for row in rows if (place := self.items[row].row) is not None]
        taken = self.embeddings.take(places)
        for row, place, own in zip(rows, places, taken, strict=True):
            if not self._is_checked[row]:
                item = self.items[row]
                if item.digest and embedding_digest(own.tobytes()) != item.digest:
                    shard = self.embeddings.shard(place // self.embeddings.record.shard_items)
                    raise UserError(
                        f"{shard.file(NUMBERS)}: the embedding of {quoted(item.item_id)} is not that of which the "
                        "index was built: bash run.sh catalogue verify tells whether it is damaged; if it is not, run "
                        "bash run.sh catalogue index again"
                    )
                self._is_checked[row] = True
        return taken

    @cached_property
    def _is_checked(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.items), np.bool_)


@dataclass(frozen=True)
class RescoredSearch:
    """A searcher, whose lists go by margin and, of equal ones, by row of the index."""

    searched: Searcher
    is_exact: bool
    """Whether that one finds the best items for certain."""
    numbers: IndexedNumbers | None
    """None where the embeddings are not at hand: then margins are those that were found."""
    items: Sequence[IndexedItem]
    """Of every row of the index."""
    threshold_width: int
    path: Path
    """Of the index, for messages."""
    is_thorough: bool = False
    """Whether a longer list begins with the shorter one for certain, which takes more candidates."""

    def search(self, packed: Numbers, k: int) -> list[list[Neighbour]]:
        """Return the k items with the highest margins for each of M queries (M, W), the highest first.

        Raises UserError for an item that the index does not know, or whose embedding is another one now.
        """
        queries = query_numbers(packed, self.threshold_width).astype(np.float64)
        found: list[list[Neighbour]] = [[] for _ in queries]
        depth = k + SPARE if self.is_exact else POOL if self.is_thorough else CANDIDATES * k
        waiting = list(range(len(queries)))
        while waiting:
            deeper = []
            size = max(1, AT_ONCE // depth)
            for first in range(0, len(waiting), size):
                some = waiting[first : first + size]
                for query, candidates in zip(some, self.searched.search(packed[some], depth), strict=True):
                    found[query], is_certain = self._best(queries[query], candidates, k)
                    if not is_certain and len(candidates) == depth:
                        deeper.append(query)
            waiting, depth = deeper, 2 * depth
            if depth > WIDEST and not self.is_thorough:
                break
        return found

    def _best(self, query: NDArray[np.float64], candidates: list[Neighbour], k: int) -> tuple[list[Neighbour], bool]:
        """Return the k best items, and whether no candidate that is still to come can be one of them."""
        scores: dict[int, float] = {}
        for item_id, margin in candidates:
            if item_id not in self._rows:
                raise UserError(
                    f"{self.path}: finds an item that the index does not know, {quoted(item_id)}; build with --rebuild"
                )
            scores[self._rows[item_id]] = margin
        rows, margins, slack = self._margins(query, scores, k)
        order = np.lexsort((rows, -margins))[:k]
        best = [
            Neighbour(self.items[row].item_id, margin)
            for row, margin in zip(rows[order].tolist(), margins[order].tolist(), strict=True)
        ]
        if not self.is_exact:
            return best, True
        if len(best) < k or not candidates:
            return best, False
        lowest = candidates[-1].margin
        is_certain = lowest + slack < best[-1].margin
        if not is_certain and not self.is_thorough:
            # Those to come are taken to be further ones of an embedding that many items share, and rows decide.
            last = self._alike.get(self.items[self._rows[candidates[-1].item_id]].digest, [])
            is_certain = any(row not in scores for row in last)
        return best, is_certain

    def _margins(
        self, query: NDArray[np.float64], scores: dict[int, float], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
        """Return the rows (C,) of candidates and of items with the same embeddings, margins, and what those err by."""
        by_digest: dict[str, float] = {}
        for row, score in scores.items():
            by_digest.setdefault(self.items[row].digest, score)
        alike = [row for digest in by_digest for row in self._alike.get(digest, [])[:k]]
        rows = np.array([*scores, *(row for row in alike if row not in scores)], np.int64)
        if self.numbers is None:
            found = [
                by_digest[self.items[row].digest] if self.items[row].digest else scores[row] for row in rows.tolist()
            ]
            return rows, np.array(found, np.float64), 0.0
        taken = self.numbers.take(rows.tolist()).astype(np.float64)
        # Row by row, so that the margin of an item is the same to the last bit whatever else is found.
        margins: NDArray[np.float64] = (taken * query).sum(axis=1)
        if not scores:
            return rows, margins, 0.0
        errors = np.abs(np.fromiter(scores.values(), np.float64, len(scores)) - margins[: len(scores)])
        least = np.finfo(np.float32).eps * np.linalg.norm(query) * np.linalg.norm(taken, axis=1).max()
        return rows, margins, CAUTION * float(max(errors.max(), least))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {item.item_id: row for row, item in enumerate(self.items) if item.row is not None}

    @cached_property
    def _alike(self) -> dict[str, list[int]]:
        """The rows of each embedding that several items have, by digest."""
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for row, item in enumerate(self.items):
            if item.row is not None and item.digest:
                rows[item.digest].append(row)
        return {digest: own for digest, own in rows.items() if len(own) > 1}
