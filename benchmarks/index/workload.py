"""The embeddings that all kinds of indexes are measured on, and what is looked for in them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.index.synthetic import SyntheticCatalogue, write_synthetic
from options.errors import UserError
from tools.catalogue.embedded_rows import EmbeddedRows
from tools.catalogue.embedding_folder import EmbeddingFolder, open_embeddings
from tools.catalogue.search_backend import Numbers


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
    """Take a folder of scripts/embed_items.sh, and for queries some of its items, evenly spread.

    Raises UserError for a folder that is damaged, not complete or empty.
    """
    opened: EmbeddingFolder = open_embeddings(embeddings)
    if not len(opened):
        raise UserError(f"{embeddings}: has no items")
    return _with_queries(Workload(folder, embeddings), EmbeddedRows(opened).sample(num_queries))


def _with_queries(workload: Workload, queries: Numbers) -> Workload:
    workload.folder.mkdir(parents=True, exist_ok=True)
    # Kinds share centroids within a run; those of an earlier run may be of other embeddings.
    for file in workload.folder.glob("centroids_*.npz"):
        file.unlink()
    np.save(workload.queries, queries)
    return workload
