"""Folders of small embeddings, for tests of what reads them."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.catalogue.embedding_folder import EmbeddingFolder, EmbeddingsRecord, open_embeddings, write_embeddings_record
from tools.catalogue.embedding_shard import EmbeddedItem, NumberType

HALF = 8


def numbers(num_items: int, seed: int = 0) -> NDArray[np.float32]:
    """Return packed embeddings of items without a structure: (N, 2 HALF)."""
    return np.random.default_rng(seed).standard_normal((num_items, 2 * HALF), np.float32)


def margins(source: NDArray[np.float32], target: NDArray[np.float32], half: int = HALF) -> NDArray[np.float64]:
    """Return the margins of all pairs by their definition, in float64: (M, N)."""
    one, other = source.astype(np.float64), target.astype(np.float64)
    return one[:, half:] @ other[:, half:].T - one[:, :half] @ other[:, :half].T


def write_embeddings(
    folder: Path,
    packed: NDArray[np.float32],
    ids: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    number_type: NumberType = "float32",
    weights: str = "w",
    run: str = "tiny",
    shard_items: int = 7,
    contents: Sequence[str] | None = None,
) -> EmbeddingFolder:
    """Write embeddings as `catalogue embed` does; ids are item0, item1, ... unless given."""
    ids = ids or [f"item{row}" for row in range(len(packed))]
    record = EmbeddingsRecord(
        format=1, run=run, num_items=len(packed), shard_items=shard_items, threshold_width=HALF,
        match_width=packed.shape[1] - HALF, type=number_type, weights=weights,
        items=sha256("\n".join(ids).encode()).hexdigest(), options={},
    )  # fmt: skip
    nothing = [""] * len(ids)
    stated = zip(ids, categories or nothing, contents or nothing, strict=True)
    items = [EmbeddedItem(item_id, category, content=content) for item_id, category, content in stated]
    for shard in EmbeddingFolder(folder, record).shards():
        rows = slice(shard.rows.start, shard.rows.stop)
        shard.write(packed[rows].astype(number_type), items[rows], record.encoding, "")
    for file in folder.glob("shard_*"):  # of an earlier, longer one
        if int(file.stem[6:]) >= record.num_shards:
            file.unlink()
    write_embeddings_record(folder, record)
    return open_embeddings(folder)
