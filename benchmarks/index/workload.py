"""Catalogues to index: drawn ones and those of a folder, with queries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from options.errors import UserError
from tools.catalogue.embedding_folder import (
    FORMAT,
    EmbeddingFolder,
    EmbeddingsRecord,
    open_embeddings,
    read_embeddings_record,
    write_embeddings_record,
)
from tools.catalogue.embedding_shard import EmbeddedItem
from tools.catalogue.search_backend import Numbers

SHARD_ITEMS = 16_384
ITEMS_A_PRODUCT = 3
"""On average."""
PRODUCTS_A_FAMILY = 4
NUM_CATEGORIES = 500
LATENT = 96
"""Directions in which embeddings differ, of either kind; their variances fall as 1/i."""
FAMILY, LISTING = 0.6, 0.3
"""Spread of families around their categories and of listings around their products, which spread by 1 themselves."""
LENGTH = 4.0
"""Of what products have of their own in the match embedding; the next three in its units."""
SHARED, SHARED_BAR, BAR = 1.4, 0.9, 1.2
"""Of what families share in the match and in the threshold embedding, and of what the latter asks of every pair."""
NOISE = 0.02
"""Of each number by itself."""


@dataclass(frozen=True, slots=True)
class SyntheticCatalogue:
    """What N items are drawn from; equal settings give equal numbers.

    An item has two directions of length 1: u is what it shares with its family, v is particular to its product. Its
    match embedding holds both, its threshold embedding u and a constant, so that the margin of a pair is
    LENGTH^2 ((SHARED^2 - SHARED_BAR^2) <u1, u2> + <v1, v2> - BAR^2): about 11 for two listings of one product, -5 for
    two products of a family, -20 for others.
    """

    num_items: int
    half_width: int = 512
    """Numbers of each branch."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse halves that are too narrow to differ in so many directions, with a UserError."""
        if self.half_width < LATENT:
            raise UserError(f"each branch needs at least {LATENT} numbers, not {self.half_width}")

    @property
    def num_products(self) -> int:
        """How many products the items belong to."""
        return max(1, self.num_items // ITEMS_A_PRODUCT)

    def products(self) -> NDArray[np.int64]:
        """Return the number of the product of each item: (N,)."""
        return np.random.default_rng((self.seed, 0)).integers(self.num_products, size=self.num_items)

    def blocks(self, num_rows: int) -> Iterator[Numbers]:
        """Yield the embeddings of the items in order, num_rows at a time: (n, W), threshold half first."""
        products = self.products()
        draw = self._drawing()
        for number, first in enumerate(range(0, self.num_items, num_rows)):
            yield draw(products[first : first + num_rows], np.random.default_rng((self.seed, 7, number)))

    def queries(self, count: int) -> Numbers:
        """Return further listings of so many of the products, which are not in the catalogue: (count, W)."""
        rng = np.random.default_rng((self.seed, 8))
        return self._drawing()(rng.choice(self.products(), count), rng)

    def _drawing(self) -> Callable[[NDArray[np.int64], np.random.Generator], Numbers]:
        """Return what draws a listing of each of n products."""
        categories = self._table(1, NUM_CATEGORIES)
        families = self._table(2, self.num_products // PRODUCTS_A_FAMILY + 1)
        own = self._table(3, self.num_products)
        shared_match, own_match, shared_threshold = (self._orthogonal(number) for number in (4, 5, 6))

        def draw(product: NDArray[np.int64], rng: np.random.Generator) -> Numbers:
            family = product // PRODUCTS_A_FAMILY
            u = _unit(categories[family % NUM_CATEGORIES] + FAMILY * families[family])
            listing = self._spread(rng.standard_normal((len(product), LATENT), np.float32))
            v = _unit(own[product] + LISTING * listing)
            threshold = SHARED_BAR * (u @ shared_threshold)
            threshold[:, 0] += BAR
            packed = LENGTH * np.concatenate([threshold, SHARED * (u @ shared_match) + v @ own_match], axis=1)
            noisy: Numbers = packed + NOISE * rng.standard_normal(packed.shape, np.float32)
            return noisy

        return draw

    def _table(self, purpose: int, rows: int) -> Numbers:
        return self._spread(np.random.default_rng((self.seed, purpose)).standard_normal((rows, LATENT), np.float32))

    def _spread(self, latents: Numbers) -> Numbers:
        return latents * np.arange(1, LATENT + 1, dtype=np.float32) ** -0.5

    def _orthogonal(self, purpose: int) -> Numbers:
        """Return a map of latent numbers into a half that keeps lengths: (L, W / 2)."""
        square = np.random.default_rng((self.seed, purpose)).standard_normal((self.half_width, LATENT))
        return np.linalg.qr(square)[0].T.astype(np.float32)


def write_synthetic(folder: Path, catalogue: SyntheticCatalogue) -> EmbeddingFolder:
    """Write a catalogue in float16 as bash run.sh catalogue embed would, or take it where it is already there."""
    record = EmbeddingsRecord(
        format=FORMAT,
        run="synthetic",
        num_items=catalogue.num_items,
        shard_items=SHARD_ITEMS,
        threshold_width=catalogue.half_width,
        match_width=catalogue.half_width,
        type="float16",
        weights="",
        items="",
        options={"seed": catalogue.seed},
    )
    shards = list(EmbeddingFolder(folder, record).shards())
    if read_embeddings_record(folder) != record or not all(shard.is_whole() for shard in shards):
        blocks = catalogue.blocks(record.shard_items)
        for shard, packed in tqdm(zip(shards, blocks, strict=True), total=len(shards), desc="draw", disable=None):
            items = [EmbeddedItem(str(row), "") for row in shard.rows]
            shard.write(packed.astype(np.float16), items, record.encoding, "")
        write_embeddings_record(folder, record)
    return open_embeddings(folder)


def _unit(rows: Numbers) -> Numbers:
    unit: Numbers = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


@dataclass(frozen=True, slots=True)
class Workload:
    """Files, so that processes need not be handed the numbers."""

    folder: Path
    """Of the indexes and of what is measured."""
    embeddings: Path
    """Folder of the items' embeddings."""

    @property
    def queries(self) -> Path:
        """What is looked for: (M, numbers an item) .npy, threshold half first."""
        return self.folder / "queries.npy"

    def centroids(self, lists: int) -> Path:
        """Return the file of the centroids of so many lists, which kinds share."""
        return self.folder / f"centroids_{lists}.npz"


def drawn_workload(folder: Path, catalogue: SyntheticCatalogue, num_queries: int) -> Workload:
    """Draw a catalogue, and for queries further listings of its products."""
    embeddings = folder / f"items_{catalogue.num_items}_{catalogue.half_width}"
    write_synthetic(embeddings, catalogue)
    return _with_queries(Workload(folder, embeddings), catalogue.queries(num_queries))


def own_workload(folder: Path, embeddings: Path, num_queries: int) -> Workload:
    """Take a folder of bash run.sh catalogue embed, and for queries some of its items, evenly spread.

    Raises UserError for a folder that is damaged, not complete or empty.
    """
    opened: EmbeddingFolder = open_embeddings(embeddings)
    return _with_queries(Workload(folder, embeddings), opened.sample(num_queries))


def _with_queries(workload: Workload, queries: Numbers) -> Workload:
    workload.folder.mkdir(parents=True, exist_ok=True)
    # Kinds share centroids within a run; those of an earlier run may be of other embeddings.
    for file in workload.folder.glob("centroids_*.npz"):
        file.unlink()
    np.save(workload.queries, queries)
    return workload
