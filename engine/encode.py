"""Each item of a split through the encoder, once, on all processes."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from data.item_tensors import ItemTensors
from data.loading import item_batches
from data.pair_batch import ItemBatch
from data.pair_sampler import encoding_batches, share
from engine.distributed import Processes, to_first
from engine.experiment import ExperimentOptions
from engine.options import Precision
from engine.precision import autocast
from engine.stop_request import StoppedError, StopRequest
from models.embedding import ItemEmbedder, pack

T = TypeVar("T")

BATCHES_A_ROUND = 4
"""Of each process; as much is lost at most when a prediction is killed."""
PIXELS_AT_ONCE_ON_CPU = 16 * 224 * 224
"""Of a batch's images; with more, what a layer writes leaves the cache before the next one reads it."""


@dataclass(frozen=True, slots=True)
class EncodedItems:
    """The embeddings of all items of a split, in the catalogue's order."""

    packed: Tensor
    """(N, numbers an item) float32 on the CPU, threshold half first"""
    blank_image: Tensor
    """(N,) bool, true where an unreadable image was replaced"""


class EncodedRound(NamedTuple):
    """The embeddings of n items that were encoded together."""

    item: Tensor
    """(n,) int64, rows of the catalogue"""
    packed: Tensor
    """(n, numbers an item) float32 on the CPU, threshold half first"""
    blank_image: Tensor
    """(n,) bool"""


@dataclass(frozen=True, slots=True)
class EncodingPlan:
    """How items are encoded."""

    batch_size: int
    workers: int
    precision: Precision

    def batches(self, items: ItemTensors) -> list[list[int]]:
        """Return the rows of each batch, the same on any number of processes."""
        return encoding_batches(items.token_lengths(), self.batch_size)


def encoding_plan(options: ExperimentOptions, precision: Precision, device: torch.device) -> EncodingPlan:
    """Return the plan of the options, for training's or prediction's arithmetic on a device."""
    batch_size = options.evaluate.batch_size
    if device.type == "cpu" and options.model.image_encoder is not None:
        batch_size = min(batch_size, max(1, PIXELS_AT_ONCE_ON_CPU // options.data.image.size**2))
    return EncodingPlan(batch_size, options.data.workers, precision)


def encode_items(
    encoder: ItemEmbedder,
    items: ItemTensors,
    plan: EncodingPlan,
    processes: Processes,
    title: str | None,
    stop: StopRequest | None = None,
) -> EncodedItems | None:
    """Encode N items, each on one process; the first process gets all embeddings, the others None.

    Without a title no progress is shown. Raises StoppedError in all processes where any is asked to stop.
    """
    rounds = encoded_rounds(encoder, items, plan.batches(items), plan, processes, title, stop or StopRequest())
    return in_catalogue_order(rounds, len(items.catalog), embedding_width(encoder), processes)


def embedding_width(encoder: ItemEmbedder) -> int:
    """Return how many numbers an item's embedding has, both halves."""
    return encoder.threshold_width + encoder.match_width


def in_catalogue_order(
    rounds: Iterator[EncodedRound | None], num_items: int, width: int, processes: Processes
) -> EncodedItems | None:
    """Bring the rounds that cover N items into one table, in the first process."""
    if not processes.is_first:
        for _ in rounds:
            pass  # its part of the encoding
        return None
    packed = torch.empty((num_items, width))
    blank_image = torch.zeros(num_items, dtype=torch.bool)
    for encoded in rounds:
        assert encoded is not None
        packed[encoded.item] = encoded.packed
        blank_image[encoded.item] = encoded.blank_image
    return EncodedItems(packed, blank_image)


@torch.inference_mode()
def encoded_rounds(
    encoder: ItemEmbedder,
    items: ItemTensors,
    batches: list[list[int]],
    plan: EncodingPlan,
    processes: Processes,
    title: str | None,
    stop: StopRequest,
) -> Iterator[EncodedRound | None]:
    """Encode batches in rounds of some batches a process; the first process gets each round, the others None.

    Raises StoppedError in all processes where any is asked to stop.
    """
    for encoded in in_rounds(
        lambda own: encoded_batches(encoder, items, own, plan, processes), batches, processes, title, stop
    ):
        everyone = to_first(encoded)
        if everyone is None:
            yield None
        else:
            item, packed, blank_image = zip(*chain.from_iterable(everyone), strict=True)
            yield EncodedRound(torch.cat(item), torch.cat(packed), torch.cat(blank_image))


def in_rounds(
    make: Callable[[list[list[int]]], Generator[T, None, None]],
    batches: list[list[int]],
    processes: Processes,
    title: str | None,
    stop: StopRequest,
) -> Iterator[list[T]]:
    """Yield what this process makes of its share of batches, in rounds of some batches a process.

    `make` gets the rows of the process's batches and yields something of each. Raises StoppedError in all processes, in
    place of a round, where any is asked to stop.
    """
    at_once = BATCHES_A_ROUND * processes.count
    rounds = [batches[first : first + at_once] for first in range(0, len(batches), at_once)]
    own = [share(round_batches, processes.rank, processes.count) for round_batches in rounds]
    own_batches = list(chain.from_iterable(own))
    show = None if processes.is_first and title is not None else True
    with (
        closing(make(own_batches)) as made,
        tqdm(total=len(own_batches), desc=title, unit="batch", leave=False, disable=show) as progress,
    ):
        for own_of_round in own:
            done = []
            for _ in own_of_round:
                if stop.made:
                    break
                done.append(next(made))
                progress.update()
            if stop.agreed():
                raise StoppedError(
                    f"{title}: {progress.n} of {progress.total} batches are done; run the same command again"
                )
            yield done


@torch.inference_mode()
def encoded_batches(
    encoder: ItemEmbedder, items: ItemTensors, batches: list[list[int]], plan: EncodingPlan, processes: Processes
) -> Generator[EncodedRound, None, None]:
    """Encode batches in this process, one whenever the next is asked for."""
    was_training = encoder.training
    encoder.eval()
    try:
        for batch in item_batches(items, batches, plan.workers, pin=processes.device.type == "cuda"):
            yield _encode(encoder, batch, plan, processes)
    finally:
        encoder.train(was_training)


def _encode(encoder: ItemEmbedder, batch: ItemBatch, plan: EncodingPlan, processes: Processes) -> EncodedRound:
    with autocast(plan.precision, processes.device):
        embedding = encoder(batch.to(processes.device))
    return EncodedRound(batch.item, pack(embedding).float().cpu(), batch.blank_image)
