"""The features of frozen encoders, computed once for all items of a split."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from data.content_keys import image_keys, text_keys
from data.item_tensors import ItemTensors, KnownFeatures
from data.loading import Split, item_batches
from data.pair_batch import ItemBatch
from data.pair_sampler import share
from engine.distributed import Processes, from_every
from engine.encode import EncodingPlan
from engine.feature_store import FeatureStore, feature_store
from engine.precision import autocast
from models.encoder import Encoder
from models.item_encoder import ItemEncoder


def with_known_features(
    split: Split, encoder: ItemEncoder, folder: Path, plan: EncodingPlan, processes: Processes, title: str
) -> Split:
    """Return a split whose items bring the features of the encoders that are frozen as a whole, in all processes.

    They come from the folder; those that are missing there are computed, each by one process, and written to it.
    Without such an encoder the split is returned as it is.
    """
    text, image = encoder.match.text_encoder, encoder.match.image_encoder
    items, known = split.items, KnownFeatures(None, None, torch.zeros(len(split.catalog), dtype=torch.bool))
    circumstances = (plan.precision, processes.device.type)
    if text is not None and text.is_frozen:
        wanted = replace(items, image=None)
        store = feature_store(folder, "text", text, circumstances)
        features, _ = _found_or_computed(store, text_keys(items), wanted, text, plan, processes, f"text, {title}")
        known = replace(known, text=features)
    if image is not None and image.is_frozen:
        assert items.image is not None
        wanted = replace(items, text=None)
        preparation = (items.image.size, items.image.mean, items.image.std)
        store = feature_store(folder, "image", image, (*circumstances, *preparation))
        features, blank = _found_or_computed(
            store, image_keys(items), wanted, image, plan, processes, f"images, {title}"
        )
        known = replace(known, image=features, blank_image=blank)
    if known.text is None and known.image is None:
        return split
    return replace(split, items=replace(items, known=known))


def _found_or_computed(
    store: FeatureStore,
    keys: list[bytes | None],
    items: ItemTensors,
    encoder: Encoder,
    plan: EncodingPlan,
    processes: Processes,
    title: str,
) -> tuple[Tensor, Tensor]:
    """Return the features (N, width) of N items and where images are blank (N,), and keep those that were missing.

    Items of one key are computed once: in another batch they would be rounded otherwise, and differ in the run that
    computes them but not in those that find them.
    """
    features, is_there = store.find(keys)
    first = _first_of_key(keys)
    blank_image = torch.zeros(len(keys), dtype=torch.bool)
    is_computed = ~is_there & (first == torch.arange(len(keys)))
    batches = [[row for row in batch if is_computed[row]] for batch in plan.batches(items)]
    missing = share([batch for batch in batches if batch], processes.rank, processes.count)
    loaded = item_batches(items, missing, plan.workers, pin=processes.device.type == "cuda")
    show = None if processes.is_first else True
    shown = tqdm(loaded, total=len(missing), desc=title, unit="batch", leave=False, disable=show)
    own = [(batch.item, _encoded(encoder, batch, plan, processes), batch.blank_image) for batch in shown]
    for computed in from_every(own):
        for rows, part, blank in computed:
            features[rows], blank_image[rows] = part, blank
    features, blank_image = features[first], blank_image[first]
    if processes.is_first:
        passed_over = (is_there | blank_image).tolist()
        store.add([None if skip else key for key, skip in zip(keys, passed_over, strict=True)], features)
    return features, blank_image


def _first_of_key(keys: list[bytes | None]) -> Tensor:
    """Return the first of N rows with the key of each, itself where that is None: (N,)."""
    rows: dict[bytes, int] = {}
    first = [row if key is None else rows.setdefault(key, row) for row, key in enumerate(keys)]
    return torch.tensor(first, dtype=torch.int64)


@torch.no_grad()
def _encoded(encoder: Encoder, batch: ItemBatch, plan: EncodingPlan, processes: Processes) -> Tensor:
    with autocast(plan.precision, processes.device):
        features: Tensor = encoder(batch.to(processes.device))
    return features.float().cpu()
