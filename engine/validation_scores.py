"""The scores of all validation pairs of an evaluation, kept with its checkpoint."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from data.loading import Split
from engine.checksums import check_files
from engine.pair_scores import PairScores
from models.weights import read_safetensors
from options.errors import UserError

VALIDATION = "validation.safetensors"


@dataclass(frozen=True, slots=True)
class ValidationScores:
    """B labelled pairs of N items and their scores."""

    scores: PairScores
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
    def margin(self) -> NDArray[np.float64]:
        """The decision value of each pair: (B,)."""
        return self.scores.margin

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

    def _rows(self) -> list[tuple[int, int]]:
        return list(zip(self.source.tolist(), self.target.tolist(), strict=True))


def pair_category(source: str, target: str) -> str | None:
    """Return the category that both items of a pair have, or None."""
    return source if source and source == target else None


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
        scores=scores,
        same=split.pairs.same,
        source=split.pairs.source,
        target=split.pairs.target,
        item_ids=tuple(item_id for item_id, _ in items),
        categories=tuple(category for _, category in items),
    )


def write_validation_scores(file: Path, record: ValidationScores) -> None:
    """Write the file of a checkpoint that is being written."""
    texts = json.dumps({"item_ids": record.item_ids, "categories": record.categories}).encode()
    save_file(
        {
            "match": torch.from_numpy(record.scores.match),
            "threshold": torch.from_numpy(record.scores.threshold),
            "same": torch.from_numpy(record.same),
            "source": torch.from_numpy(record.source),
            "target": torch.from_numpy(record.target),
            "items": torch.from_numpy(np.frombuffer(texts, np.uint8).copy()),
        },
        file,
        {"pairs": record.digest},
    )


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
        return ValidationScores(
            scores=PairScores(tensors["match"].numpy(), tensors["threshold"].numpy()),
            same=tensors["same"].numpy(),
            source=tensors["source"].numpy(),
            target=tensors["target"].numpy(),
            item_ids=tuple(texts["item_ids"]),
            categories=tuple(texts["categories"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{file}: holds no validation scores: {error!r}") from error
