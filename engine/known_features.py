"""The features of frozen encoders, kept in files: each computed once for what an encoder reads, whatever item and run.

Letters of shapes: N items, n items of a batch.
"""

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from data.item_tensors import KEY_BYTES, ItemTensors, KnownFeatures, image_keys, text_keys
from data.loading import Split, item_batches
from data.pair_batch import ItemBatch
from engine.disk import one_at_a_time, whole_path
from engine.distributed import Processes, from_every, from_first
from engine.encode import EncodingPlan, in_rounds
from engine.precision import autocast
from engine.stop_request import StopRequest
from models.encoder import Encoder
from models.item_encoder import ItemEncoder
from models.weights import read_safetensors, weights_digest
from options.errors import UserError

FeatureBatch = tuple[Tensor, Tensor, Tensor]
"""Rows (n,) of the catalogue, their features (n, width), and where images are blank (n,)."""
FEWEST_KEPT = 256
"""Items whose features are written at once."""
KEPT_AFTER = 0.25
"""Share of the items that are written already after which more are; the whole file is written anew each time."""


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """A file of features by key; a key that is None is never in it. Without a file nothing is kept."""

    file: Path | None
    width: int

    def find(self, keys: list[bytes | None]) -> tuple[Tensor, Tensor]:
        """Return the features of N keys (N, width), arbitrary where there are none, and which there are (N,) bool.

        Raises UserError for a file that is damaged.
        """
        features, is_there = torch.zeros(len(keys), self.width), torch.zeros(len(keys), dtype=torch.bool)
        rows, stored = self._read()
        for place, key in enumerate(keys):
            if key is not None and key in rows:
                features[place], is_there[place] = stored[rows[key]], True
        return features, is_there

    def add(self, keys: list[bytes | None], features: Tensor) -> None:
        """Write the features (N, width) of keys that are not in the file yet beside those that are.

        Runs that do so at once do it one after another, so that none's features are lost.
        """
        given = {key: place for place, key in enumerate(keys) if key is not None}
        if not given or self.file is None:
            return
        with one_at_a_time(self.file.with_name(".lock")):
            rows, stored = self._read()
            new = {key: place for key, place in given.items() if key not in rows}
            if new:
                known = torch.frombuffer(bytearray(b"".join([*rows, *new])), dtype=torch.uint8).view(-1, KEY_BYTES)
                tensors = {"keys": known, "features": torch.cat([stored, features[list(new.values())]])}
                with whole_path(self.file) as temporary:
                    save_file(tensors, temporary)

    def _read(self) -> tuple[dict[bytes, int], Tensor]:
        """Return the row of each key, in order, and the features."""
        if self.file is None or not self.file.exists():
            return {}, torch.empty(0, self.width)
        tensors = read_safetensors(self.file)
        try:
            keys, features = tensors["keys"], tensors["features"]
            assert keys.shape == (len(features), KEY_BYTES)
            assert features.shape == (len(features), self.width)
        except (KeyError, AssertionError) as error:
            raise UserError(f"{self.file}: holds no features of frozen encoders; delete it") from error
        return {row.tobytes(): number for number, row in enumerate(keys.numpy())}, features


def feature_store(folder: Path | None, modality: str, encoder: Encoder, reading: object) -> FeatureStore:
    """Return the store of an encoder's features; `reading` stands for all else that they depend on, by its repr."""
    if folder is None:
        return FeatureStore(None, encoder.width)
    surroundings = f"{weights_digest(encoder)} {encoder} {reading!r} {torch.__version__}"
    name = hashlib.sha256(surroundings.encode()).hexdigest()[:16]
    return FeatureStore(folder / f"{modality}_{name}.safetensors", encoder.width)


def with_known_features(
    split: Split,
    encoder: ItemEncoder,
    folder: Path | None,
    plan: EncodingPlan,
    processes: Processes,
    title: str,
    stop: StopRequest | None = None,
) -> Split:
    """Return a split whose items bring their features, as with_features does."""
    items = with_features(split.items, encoder, folder, plan, processes, title, stop)
    return split if items is split.items else replace(split, items=items)


def with_features(
    items: ItemTensors,
    encoder: ItemEncoder,
    folder: Path | None,
    plan: EncodingPlan,
    processes: Processes,
    title: str,
    stop: StopRequest | None = None,
) -> ItemTensors:
    """Return items that bring the features of the encoders that are frozen as a whole, in all processes.

    They come from the folder, if one is given; those that are missing there are computed, each by one process, and
    written to it. Without such an encoder the items are returned as they are. Raises StoppedError in all processes
    where any is asked to stop; what was computed until then is in the folder.
    """
    stop = stop or StopRequest()
    text, image = encoder.match.text_encoder, encoder.match.image_encoder
    known = KnownFeatures(None, None, torch.zeros(len(items.catalog), dtype=torch.bool))
    circumstances = (plan.precision, processes.device.type)
    if text is not None and text.is_frozen:
        wanted = replace(items, image=None)
        store = feature_store(folder, "text", text, circumstances)
        work = _Work(wanted, text, plan, processes, f"text, {title}", stop)
        features, _ = _found_or_computed(store, text_keys(items), work)
        known = replace(known, text=features)
    if image is not None and image.is_frozen:
        assert items.image is not None
        wanted = replace(items, text=None)
        preparation = (items.image.size, *items.image.normalisation, items.image.rules)
        store = feature_store(folder, "image", image, (*circumstances, *preparation))
        work = _Work(wanted, image, plan, processes, f"images, {title}", stop)
        features, blank = _found_or_computed(store, image_keys(items), work)
        known = replace(known, image=features, blank_image=blank)
    if known.text is None and known.image is None:
        return items
    return replace(items, known=known)


@dataclass(frozen=True, slots=True)
class _Work:
    """How the features of batches are computed."""

    items: ItemTensors
    """With what the encoder reads alone."""
    encoder: Encoder
    plan: EncodingPlan
    processes: Processes
    title: str
    stop: StopRequest

    def done(self, batches: list[list[int]]) -> Iterator[FeatureBatch]:
        """Yield the features of batches, each computed by one process, in all of them."""
        for own in in_rounds(self._own, batches, self.processes, self.title, self.stop):
            for made in from_every(own):
                yield from made

    def _own(self, batches: list[list[int]]) -> Generator[FeatureBatch, None, None]:
        pin = self.processes.device.type == "cuda"
        for batch in item_batches(self.items, batches, self.plan.workers, pin):
            yield batch.item, _encoded(self.encoder, batch, self.plan, self.processes), batch.blank_image


@torch.no_grad()
def _encoded(encoder: Encoder, batch: ItemBatch, plan: EncodingPlan, processes: Processes) -> Tensor:
    with autocast(plan.precision, processes.device):
        features: Tensor = encoder(batch.to(processes.device))
    return features.float().cpu()


def _found_or_computed(store: FeatureStore, keys: list[bytes | None], work: _Work) -> tuple[Tensor, Tensor]:
    """Return the features (N, width) of N items and where images are blank (N,), and keep those that were missing.

    Items of one key are computed once: in another batch they would be rounded otherwise, and differ in the run that
    computes them but not in those that find them.
    """
    # Of one process, as another run may add some between the looks of two: they have to agree on who computes what.
    features, is_there = from_first(lambda: store.find(keys))
    first = _first_of_key(keys)
    blank_image = torch.zeros(len(keys), dtype=torch.bool)
    is_computed = ~is_there & (first == torch.arange(len(keys)))
    batches = [[row for row in batch if is_computed[row]] for batch in work.plan.batches(work.items)]
    kept, unkept = 0, list[int]()

    def keep() -> None:
        if work.processes.is_first:
            store.add([keys[row] for row in unkept], features[unkept])

    try:
        for rows, part, blank in work.done([batch for batch in batches if batch]):
            features[rows], blank_image[rows] = part, blank
            unkept += rows[~blank].tolist()
            if len(unkept) > max(FEWEST_KEPT, kept * KEPT_AFTER):
                keep()
                kept, unkept = kept + len(unkept), []
    finally:
        keep()
    return features[first], blank_image[first]


def _first_of_key(keys: list[bytes | None]) -> Tensor:
    """Return the first of N rows with the key of each, itself where that is None: (N,)."""
    rows: dict[bytes, int] = {}
    first = [row if key is None else rows.setdefault(key, row) for row, key in enumerate(keys)]
    return torch.tensor(first, dtype=torch.int64)
