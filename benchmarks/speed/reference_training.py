"""The plain training step: four encoder calls on padded text, an optimizer that goes from weight to weight, and a
loss that is waited for at every step.

python -m benchmarks.speed.reference_training OPTION_FILE [section.key=value ...] trains the first step.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.speed.reference_items import PlainItems
from benchmarks.speed.reference_prediction import encode_side
from data.loading import Split, load_split
from engine.experiment import ExperimentOptions
from engine.options import OptimizerOptions
from models.item_encoder import ItemEncoder, build_item_encoder
from options.read import read_options


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
    training = PlainTraining(build_item_encoder(options.model), split, options)
    print(f"step 1/1  loss {training.step(range(options.train.batch_size)):.4g}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
