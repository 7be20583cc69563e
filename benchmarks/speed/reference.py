"""The plain ways that ours are held against.

Batches: file by file, in this process, every text padded to the longest allowed. Prediction: every pair's two items are
read and encoded again for it, side by side and branch by branch. Training: four encoder calls on padded text, an
optimizer that goes from weight to weight, and a loss that is waited for at every step;
python -m benchmarks.speed.reference OPTION_FILE [section.key=value ...] trains the first step.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from data.item import Item, item_text
from data.loading import Split, load_split
from data.options import DataOptions, ImageOptions
from data.pair_batch import ItemBatch
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from engine.options import OptimizerOptions
from models.item_encoder import ItemBranch, ItemEncoder, build_item_encoder
from options.read import read_options


class PlainItems:
    """Reads, tokenises and pads items each time they are asked for."""

    def __init__(self, items: Sequence[Item], options: DataOptions, folder: str) -> None:
        self._items = items
        self._options = options
        self._folder = folder
        self._tokenizer = Tokenizer(options.text.tokenizer, options.text.max_tokens)

    def batch(self, rows: Sequence[int]) -> ItemBatch:
        """Return the items of N rows."""
        texts = [self._text(self._items[row]) for row in rows]
        return ItemBatch(
            images=torch.stack([self._image(self._items[row]) for row in rows]),
            token_ids=torch.tensor([token_ids for token_ids, _ in texts]),
            attention_mask=torch.tensor([mask for _, mask in texts]),
            item=torch.tensor(rows),
            blank_image=torch.zeros(len(rows), dtype=torch.bool),
        )

    def _text(self, item: Item) -> tuple[list[int], list[bool]]:
        token_ids = self._tokenizer([item_text(item, self._options.text.attributes)])[0]
        missing = self._options.text.max_tokens - len(token_ids)
        return (
            token_ids + [self._tokenizer.padding_id] * missing,
            [True] * len(token_ids) + [False] * missing,
        )

    def _image(self, item: Item) -> torch.Tensor:
        return plain_image(f"{self._folder}/{item.image}", self._options.image)


def plain_image(file: str, options: ImageOptions) -> torch.Tensor:
    """Return a picture as (3, H, W)."""
    with Image.open(file) as image:
        picture = image.convert("RGB")
    if picture.size != (options.size, options.size):
        picture = picture.resize((options.size, options.size), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(colours).view(3, 1, 1) for colours in options.normalisation)
    return (pixels - mean) / std


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


class PlainTraining:
    """A model in training, in the plainest way."""

    def __init__(self, encoder: ItemEncoder, split: Split, options: ExperimentOptions) -> None:
        assert split.pairs.same is not None
        self._encoder = encoder
        self._pairs = split.pairs
        self._same = split.pairs.same
        self._items = PlainItems([*split.catalog], options.data, str(split.items.images.path))
        self._optimizer = plain_adam(options.train.optimizer, encoder)
        self._clip_norm = options.train.clip_norm or float("inf")

    def step(self, numbers: Sequence[int]) -> float:
        """Train on the pairs of these numbers; return the loss."""
        loss = self.loss(numbers)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._encoder.parameters(), self._clip_norm)
        self._optimizer.step()
        return loss.item()

    def loss(self, numbers: Sequence[int]) -> Tensor:
        """Return the mean loss of the pairs of these numbers."""
        encoder = self._encoder
        assert encoder.threshold is not None
        source = self._items.batch(self._pairs.source[numbers].tolist())
        target = self._items.batch(self._pairs.target[numbers].tolist())
        match = (encode_side(encoder.match, source) * encode_side(encoder.match, target)).sum(dim=1)
        threshold = (encode_side(encoder.threshold, source) * encode_side(encoder.threshold, target)).sum(dim=1)
        logits = torch.stack([threshold, match], dim=1)
        return functional.cross_entropy(logits, torch.from_numpy(self._same[numbers]).long())


def plain_adam(options: OptimizerOptions, module: nn.Module) -> torch.optim.Adam:
    """Return Adam that updates one weight tensor after the other, in several passes each."""
    return torch.optim.Adam(
        module.parameters(),
        lr=options.lr,
        betas=options.betas,
        weight_decay=options.weight_decay,
        foreach=False,
        fused=False,
    )


def main(arguments: Sequence[str]) -> None:
    """Train the first step of an option file and print the loss."""
    options = read_options(ExperimentOptions, Path(arguments[0]), arguments[1:])
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    torch.manual_seed(options.seed)
    training = PlainTraining(build_item_encoder(options.model, options.data.image), split, options)
    print(f"step 1/1  loss {training.step(range(options.train.batch_size)):.4g}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
