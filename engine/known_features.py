"""The features of frozen encoders, computed once for all items of a split."""

from dataclasses import replace

import torch
from torch import Tensor
from tqdm import tqdm

from data.item_tensors import ItemTensors, KnownFeatures
from data.loading import Split, item_batches
from data.pair_batch import ItemBatch
from data.pair_sampler import share
from engine.distributed import Processes, from_every
from engine.encode import EncodingPlan
from engine.precision import autocast
from models.encoder import Encoder
from models.item_encoder import ItemEncoder


def with_known_features(
    split: Split, encoder: ItemEncoder, plan: EncodingPlan, processes: Processes, title: str
) -> Split:
    """Return a split whose items bring the features of the encoders that are frozen as a whole, in all processes.

    Each process computes a share of them. Without such an encoder the split is returned as it is.
    """
    branch = encoder.match
    text, image = (
        each if each is not None and each.is_frozen else None for each in (branch.text_encoder, branch.image_encoder)
    )
    if text is None and image is None:
        return split
    known = _computed(split.items, text, image, plan, processes, title)
    return replace(split, items=replace(split.items, known=known))


@torch.no_grad()
def _computed(
    items: ItemTensors,
    text: Encoder | None,
    image: Encoder | None,
    plan: EncodingPlan,
    processes: Processes,
    title: str,
) -> KnownFeatures:
    num_items = len(items.catalog)
    known = KnownFeatures(
        text=torch.empty(num_items, text.width) if text is not None else None,
        image=torch.empty(num_items, image.width) if image is not None else None,
        blank_image=torch.zeros(num_items, dtype=torch.bool),
    )
    # What a trained encoder reads is not needed here.
    wanted = replace(
        items, text=items.text if text is not None else None, image=items.image if image is not None else None
    )
    own = share(plan.batches(items), processes.rank, processes.count)
    loaded = item_batches(wanted, own, plan.workers, pin=processes.device.type == "cuda")
    shown = tqdm(
        loaded, total=len(own), desc=title, unit="batch", leave=False, disable=None if processes.is_first else True
    )
    computed = [_of_batch(batch, text, image, plan, processes) for batch in shown]
    for item, *features, blank_image in (batch for batches in from_every(computed) for batch in batches):
        for table, part in zip((known.text, known.image), features, strict=True):
            if table is not None:
                table[item] = part
        known.blank_image[item] = blank_image
    return known


def _of_batch(
    batch: ItemBatch, text: Encoder | None, image: Encoder | None, plan: EncodingPlan, processes: Processes
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the rows of a batch's items, their text and image features, and where images are blank."""
    there = batch.to(processes.device)
    with autocast(plan.precision, processes.device):
        text_features, image_features = (
            encoder(there).float().cpu() if encoder is not None else torch.empty(0) for encoder in (text, image)
        )
    return batch.item, text_features, image_features, batch.blank_image
