"""The plain way to predict: every pair's two items are read and encoded again for it, side by side and branch by
branch, and both embeddings are written anew into its line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.speed.reference_items import PlainItems
from data.loading import Split
from data.pair_batch import ItemBatch
from engine.experiment import ExperimentOptions
from models.item_branch import ItemBranch
from models.item_encoder import ItemEncoder


def encode_side(branch: ItemBranch, items: ItemBatch) -> Tensor:
    """Return the embeddings of one branch for one side of some pairs: (N, D)."""
    return branch.project(branch.features(items))


@torch.no_grad()
def predict_pair_by_pair(split: Split, encoder: ItemEncoder, options: ExperimentOptions, file: Path) -> None:
    """Write the submission file; the model has a threshold branch with encoders of its own."""
    assert encoder.threshold is not None
    encoder.eval()
    items = PlainItems([*split.catalog], options.data, str(split.items.images.path))
    size = options.evaluate.batch_size
    with file.open("w", encoding="utf-8") as stream:
        for first in range(0, len(split.pairs), size):
            sources = split.pairs.source[first : first + size].tolist()
            targets = split.pairs.target[first : first + size].tolist()
            source_items, target_items = items.batch(sources), items.batch(targets)
            source_match = encode_side(encoder.match, source_items)
            target_match = encode_side(encoder.match, target_items)
            source_threshold = encode_side(encoder.threshold, source_items)
            target_threshold = encode_side(encoder.threshold, target_items)
            source = torch.cat([source_threshold, source_match], dim=1)
            target = torch.cat([target_threshold, target_match], dim=1)
            for place in range(len(sources)):
                stream.write(
                    plain_line(
                        split.catalog[sources[place]].item_id,
                        source[place].tolist(),
                        split.catalog[targets[place]].item_id,
                        target[place].tolist(),
                        0.0,
                    )
                )


def plain_line(
    source_id: str, source: Sequence[float], target_id: str, target: Sequence[float], threshold: float
) -> str:
    """Return a pair's line of a submission file."""
    line = {
        "src_item_id": source_id,
        "src_item_emb": str(list(source)),
        "tgt_item_id": target_id,
        "tgt_item_emb": str(list(target)),
        "threshold": threshold,
    }
    return json.dumps(line) + "\n"
