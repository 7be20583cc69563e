"""Each item of a split through the encoder, once, on all processes."""

from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from data.item_tensors import ItemTensors
from data.loading import item_batches
from data.pair_sampler import encoding_batches, share
from engine.distributed import Processes, gather_rows
from engine.options import Precision
from engine.precision import autocast
from models.embedding import pack
from models.item_encoder import ItemEncoder


@dataclass(frozen=True, slots=True)
class EncodedItems:
    """The embeddings of all items of a split, in the catalogue's order."""

    packed: Tensor
    """(N, numbers an item) float32 on the CPU, threshold half first"""
    blank_image: Tensor
    """(N,) bool, true where an unreadable image was replaced"""


@dataclass(frozen=True, slots=True)
class EncodingPlan:
    """How items are encoded."""

    batch_size: int
    workers: int
    precision: Precision


@torch.inference_mode()
def encode_items(
    encoder: ItemEncoder, items: ItemTensors, plan: EncodingPlan, processes: Processes, title: str
) -> EncodedItems | None:
    """Encode N items, each on one process; the first process gets all embeddings, the others None."""
    batches = encoding_batches(items.token_lengths(), plan.batch_size)
    own = share(batches, processes.rank, processes.count)
    was_training = encoder.training
    encoder.eval()
    item, packed, blank_image = [], [], []
    loader = item_batches(items, own, plan.workers, pin=processes.device.type == "cuda")
    progress = tqdm(loader, title, len(own), unit="batch", leave=False, disable=None if processes.is_first else True)
    for batch in progress:
        with autocast(plan.precision, processes.device):
            embedding = encoder(batch.to(processes.device))
        packed.append(pack(embedding).float().cpu())
        item.append(batch.item)
        blank_image.append(batch.blank_image)
    encoder.train(was_training)
    return _in_order(item, packed, blank_image, _width(encoder))


def _width(encoder: ItemEncoder) -> int:
    return encoder.threshold_width + encoder.match.projection.out_features


def _in_order(item: list[Tensor], packed: list[Tensor], blank_image: list[Tensor], width: int) -> EncodedItems | None:
    items = gather_rows(torch.cat([torch.empty(0, dtype=torch.int64), *item]))
    rows = gather_rows(torch.cat([torch.empty(0, width), *packed]))
    blanks = gather_rows(torch.cat([torch.empty(0, dtype=torch.bool), *blank_image]))
    if items is None or rows is None or blanks is None:
        return None
    order = torch.cat(items).argsort()
    return EncodedItems(torch.cat(rows)[order], torch.cat(blanks)[order])
