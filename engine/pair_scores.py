"""The scores of pairs, from the embeddings of their items, and those of validation, kept with a checkpoint.

Letters of shapes: B pairs, N items.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from data.compared_text import compared
from data.item_pair import PairTable
from data.loading import Split
from engine.checksums import check_files
from engine.encode import EncodedItems
from models.embedding import pair_score, unpack
from models.weights import read_safetensors
from options.errors import UserError

VALIDATION = "validation.safetensors"
ARRAYS = ("match", "threshold", "same", "source", "target")
"""Of B pairs in that file."""

PAIRS_AT_ONCE = 1024
"""Bounds the memory of scoring, whatever the number of pairs; of this size the numbers stay in the cache."""


@dataclass(frozen=True, slots=True)
class PairScores:
    """The two dot products of each of B pairs: (B,) each."""

    match: NDArray[np.float64]
    threshold: NDArray[np.float64]

    @property
    def margin(self) -> NDArray[np.float64]:
        """The decision value of each pair: (B,)."""
        return self.match - self.threshold


def score_pairs(items: EncodedItems, pairs: PairTable, threshold_width: int) -> PairScores:
    """Return the scores of B pairs, computed in float64 from the float32 embeddings.

    Raises UserError where embeddings are not finite.
    """
    num_broken = int((~items.packed.isfinite().all(dim=1)).sum())
    if num_broken:
        raise UserError(
            f"the embeddings of {num_broken} of {len(items.packed)} items are not finite numbers: the weights have "
            "diverged, or overflow in half precision. In training try a lower train.optimizer.lr, a train.clip_norm "
            "or warm-up; in prediction another checkpoint, or train.precision=float32."
        )
    embedding = unpack(items.packed.double(), threshold_width)
    match, threshold = np.empty(len(pairs)), np.empty(len(pairs))
    for first in range(0, len(pairs), PAIRS_AT_ONCE):
        part = slice(first, first + PAIRS_AT_ONCE)
        source, target = torch.from_numpy(pairs.source[part]), torch.from_numpy(pairs.target[part])
        score = pair_score(embedding.rows(source), embedding.rows(target))
        match[part], threshold[part] = score.match.numpy(), score.threshold.numpy()
    return PairScores(match, threshold)


@dataclass(frozen=True, slots=True)
class ValidationScores(PairScores):
    """B labelled pairs of N items and their scores."""

    same: NDArray[np.bool_]
    """(B,)"""
    source: NDArray[np.int64]
    """(B,) numbers of the items"""
    target: NDArray[np.int64]
    """(B,) numbers of the items"""
    item_ids: tuple[str, ...]
    """Of N items."""
    categories: tuple[str, ...]
    """Of N items; empty where an item has none."""

    @property
    def pair_ids(self) -> list[tuple[str, str]]:
        """The ids of both items of each of B pairs."""
        return [(self.item_ids[source], self.item_ids[target]) for source, target in self._rows()]

    @property
    def pair_categories(self) -> list[str | None]:
        """The category of each of B pairs."""
        return [pair_category(self.categories[source], self.categories[target]) for source, target in self._rows()]

    @property
    def digest(self) -> str:
        """SHA-256 of the pairs' ids and labels in their order."""
        return pairs_digest(self.pair_ids, self.same)

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the scores of some of the pairs, those of chosen (B,)."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in ARRAYS})

    def _rows(self) -> list[tuple[int, int]]:
        return list(zip(self.source.tolist(), self.target.tolist(), strict=True))


def pair_category(source: str, target: str) -> str | None:
    """Return the category that both items of a pair have, however it is written, or None."""
    return source if compared(source) and compared(source) == compared(target) else None


def pairs_digest(pair_ids: Sequence[tuple[str, str]], same: NDArray[np.bool_]) -> str:
    """Return the SHA-256 of the ids and labels (B,) of pairs in their order."""
    digest = hashlib.sha256()
    for (source, target), label in zip(pair_ids, same.tolist(), strict=True):
        digest.update((json.dumps([source, target, label]) + "\n").encode())
    return digest.hexdigest()


def validation_scores(split: Split, scores: PairScores) -> ValidationScores:
    """Return what is kept of the evaluation of a labelled split."""
    assert split.pairs.same is not None
    items = [(item.item_id, item.category) for item in split.catalog]
    return ValidationScores(
        match=scores.match,
        threshold=scores.threshold,
        same=split.pairs.same,
        source=split.pairs.source,
        target=split.pairs.target,
        item_ids=tuple(item_id for item_id, _ in items),
        categories=tuple(category for _, category in items),
    )


def write_validation_scores(file: Path, record: ValidationScores) -> None:
    """Write the file of a checkpoint that is being written."""
    texts = json.dumps({"item_ids": record.item_ids, "categories": record.categories}).encode()
    arrays = {name: getattr(record, name) for name in ARRAYS} | {"items": np.frombuffer(texts, np.uint8).copy()}
    save_file({name: torch.from_numpy(array) for name, array in arrays.items()}, file, {"pairs": record.digest})


def find_validation_scores(checkpoint: Path) -> ValidationScores | None:
    """Read the scores of a checkpoint, or return None where it was not evaluated; raises UserError if damaged."""
    file = checkpoint / VALIDATION
    if not file.exists():
        return None
    check_files(checkpoint, [VALIDATION])
    return read_scores(file)


def read_validation_scores(checkpoint: Path) -> ValidationScores:
    """Read the scores of a checkpoint; raises UserError for one that was not evaluated, or is damaged."""
    scores = find_validation_scores(checkpoint)
    if scores is None:
        raise UserError(
            f"{checkpoint}: holds no {VALIDATION}: it was not evaluated, or written before scores were kept. Take the "
            "run's folder, whose best checkpoint was evaluated"
        )
    return scores


def read_scores(file: Path) -> ValidationScores:
    """Read a file of scores; raises UserError for one that is missing, damaged or of something else."""
    tensors = read_safetensors(file)
    try:
        texts = json.loads(tensors["items"].numpy().tobytes())
        scores = ValidationScores(
            **{name: tensors[name].numpy() for name in ARRAYS},
            item_ids=tuple(texts["item_ids"]),
            categories=tuple(texts["categories"]),
        )
        _check(scores)
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{file}: holds no validation scores: {error!r}") from error
    return scores


def _check(scores: ValidationScores) -> None:
    """Raise ValueError for arrays that are not of one number of pairs, and of the items that are named."""
    num_items, rows = len(scores.item_ids), np.concatenate([scores.source, scores.target])
    lengths = {getattr(scores, name).shape for name in ARRAYS}
    if len(lengths) > 1 or len(scores.categories) != num_items or ((rows < 0) | (rows >= num_items)).any():
        raise ValueError("pairs and items do not belong together")
    if not np.isfinite(scores.margin).all():
        raise ValueError("scores are not finite")
