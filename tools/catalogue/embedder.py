"""The embeddings of a whole catalogue, in shards that each process writes for itself.

Process r of P takes the shards r, r + P, r + 2 P, ... that are not there yet. The processes say nothing to each other:
none waits for another, none is lost with another, and one that is started again takes what it had left.
"""

import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.image_store import ImageSource
from data.item_catalog import ItemCatalog
from engine.checksums import file_checksum
from engine.disk import sole_user
from engine.distributed import Processes
from engine.encode import encoded_batches
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import chosen_checkpoint
from engine.onnx_encoder import read_description
from engine.run_identity import differences, shown_value
from engine.stop_request import StoppedError, StopRequest
from engine.verifier import Verifier
from models.weights import weights_digest
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_folder import (
    EMBEDDINGS,
    FORMAT,
    EmbeddingFolder,
    EmbeddingsRecord,
    read_embeddings_record,
    write_embeddings_record,
)
from tools.catalogue.embedding_shard import NUMBERS, EmbeddedItem, EmbeddingShard, NumberType, Packed
from tools.catalogue.embedding_watch import EmbeddingWatch
from tools.catalogue.equal_content import content_digests


@dataclass(frozen=True, slots=True)
class EmbeddingJob:
    """A catalogue to embed."""

    items: Path
    """Item file."""
    images: Path | None
    """Folder or pack of the items' images; None where the model reads none."""
    out: Path
    """Folder of the embeddings."""
    type: NumberType
    shard_items: int
    onnx: Path | None = None
    """Folder of an exported encoder, in place of the checkpoint's."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """What was embedded."""

    record: EmbeddingsRecord
    num_kept: int
    """Items that were there before."""
    num_blank_images: int
    """Unreadable images that were replaced."""
    seconds: float

    def lines(self, folder: Path) -> list[str]:
        """Return what was done, line by line."""
        record = self.record
        numbers = f"{record.threshold_width} threshold and {record.match_width} match numbers each, {record.type}"
        lines = [
            f"{folder}: {record.num_items:,} items in {record.num_shards:,} shards, {numbers}",
            f"{record.num_items - self.num_kept:,} of them encoded now, in {self.seconds:,.0f} s; "
            f"{self.num_kept:,} were there before",
        ]
        if self.num_blank_images:
            lines.append(f'unreadable images replaced: {self.num_blank_images:,}; their lines say "blank_image": true')
        return lines


@dataclass(frozen=True, slots=True)
class _Encoding:
    """How shards are made of the catalogue."""

    verifier: Verifier
    catalog: ItemCatalog
    images: ImageSource
    digest: str
    """SHA-256 of all that the numbers depend on but the items."""


def run_embedding(
    options: ExperimentOptions, job: EmbeddingJob, processes: Processes, stop: StopRequest | None = None
) -> Embedding | None:
    """Write this process's shards; the first process waits for those of the others and gets what was done.

    Shards that are there are kept. Raises UserError for files, options and checkpoints that the user has to mend and
    for a folder of other embeddings, and StoppedError.
    """
    started = time.monotonic()
    stop = stop or StopRequest()
    verifier = _verifier(options, job, processes)
    catalog, images = verifier.preparation.read_items(job.items), verifier.preparation.open_images(job.images)
    folder = EmbeddingFolder(job.out, _record(job, verifier, len(catalog)))
    encoding = _Encoding(verifier, catalog, images, folder.record.encoding)
    _check_goes_on(job, folder, encoding)
    with (
        sole_user(job.out / f".process_{processes.rank:05d}.lock", f"embeds as number {processes.rank}"),
        closing(EmbeddingWatch(folder, processes.is_first)) as watch,
    ):
        num_kept = watch.num_items
        if processes.is_first:
            write_embeddings_record(folder.path, folder.record)
            for warning in verifier.preparation.warnings(catalog, images):
                print(f"warning: {warning}", file=sys.stderr)
        for number in watch.missing:
            if number % processes.count == processes.rank:
                _make(folder.shard(number), encoding, watch, stop)
        if not processes.is_first:
            return None
        watch.wait_for_others(stop)
    records = (shard.record() for shard in folder.shards())
    num_blank_images = sum(own.num_blank_images for own in records if own is not None)
    return Embedding(folder.record, num_kept, num_blank_images, time.monotonic() - started)


def _verifier(options: ExperimentOptions, job: EmbeddingJob, processes: Processes) -> Verifier:
    if job.onnx is not None:
        read_description(job.onnx)  # says what is missing where it is no export
    # No pair is decided on, and not every checkpoint knows a threshold.
    return Verifier.load(job.onnx or chosen_checkpoint(options), options, 0.0, processes, second_stage=False)


def _make(shard: EmbeddingShard, encoding: _Encoding, watch: EmbeddingWatch, stop: StopRequest) -> None:
    """Encode and write one shard, whose batches are cut from its items alone."""
    verifier, plan = encoding.verifier, encoding.verifier.plan
    # Prepared when its turn comes, since the tokens of all shards would take much memory.
    items = verifier.tensors(encoding.catalog.part(shard.rows), encoding.images)
    packed = np.empty((len(shard.rows), shard.width), shard.type)
    blank_image = np.zeros(len(shard.rows), np.bool_)
    for encoded in encoded_batches(verifier.encoder, items, plan.batches(items), plan, verifier.processes):
        rows = encoded.item.numpy()
        with np.errstate(over="ignore"):  # what float16 cannot hold is found below, with its item
            packed[rows] = encoded.packed.numpy()
        blank_image[rows] = encoded.blank_image.numpy()
        watch.add(len(rows))
        if stop.agreed():
            raise StoppedError(f"embed: {watch.progress()}; run the same command again")
    _check_finite(packed, items.catalog, shard)
    contents = content_digests(items, verifier.options.data.text.attributes)
    written = [
        EmbeddedItem(item.item_id, item.category, *others)
        for item, *others in zip(items.catalog, blank_image.tolist(), contents, strict=True)
    ]
    shard.write(packed, written, encoding.digest, encoding.catalog.digest(shard.rows))
    watch.finish_shard(shard.number)


def _check_finite(packed: Packed, catalog: ItemCatalog, shard: EmbeddingShard) -> None:
    finite = np.isfinite(packed).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        raise UserError(
            f"item {quoted(catalog[row].item_id)} (row {shard.rows[row] + 1:,}): its embedding is not finite in "
            f"{shard.type}; take --type float32 or predict.precision=float32, else the checkpoint is of no use"
        )


def _record(job: EmbeddingJob, verifier: Verifier, num_items: int) -> EmbeddingsRecord:
    """Return what embeddings.json is to say."""
    return EmbeddingsRecord(
        format=FORMAT,
        run=verifier.options.name,
        num_items=num_items,
        shard_items=job.shard_items,
        threshold_width=verifier.encoder.threshold_width,
        match_width=verifier.encoder.match_width,
        type=job.type,
        weights=weights_digest(verifier.encoder),
        items=file_checksum(job.items),
        options=verifier.options.encoding,
    )


def _check_goes_on(job: EmbeddingJob, folder: EmbeddingFolder, encoding: _Encoding) -> None:
    """Raise UserError if the folder holds embeddings by another encoder, in another form, or of other items.

    Items that were appended to the item file are none of these.
    """
    record, former = folder.record, read_embeddings_record(folder.path)
    if former is not None:
        changes = [
            f"{key}: {shown_value(new)}, before {shown_value(old)}"
            for key, old, new in differences(former.fixed, record.fixed)
        ]
        if record.num_items < former.num_items:
            changes.append(f"items of {job.items}: {record.num_items:,}, before {former.num_items:,}")
        _refuse(folder, changes)
    if former is None or former.items != record.items:
        for shard in folder.shards():
            _refuse(folder, _changes_of_shard(job, shard, encoding))


def _changes_of_shard(job: EmbeddingJob, shard: EmbeddingShard, encoding: _Encoding) -> list[str]:
    own = shard.record()
    if own is None:
        return []
    if own.encoding != encoding.digest:
        return [f"{shard.file(NUMBERS)}: encoded with {encoding.digest}, before {own.encoding}"]
    rows = range(shard.rows.start, shard.rows.start + own.num_items)
    digest = encoding.catalog.digest(rows) if rows.stop <= len(encoding.catalog) else "fewer items"
    if digest == own.items:
        return []
    return [f"items {rows.start + 1:,} to {rows.stop:,} of {job.items}: {digest}, before {own.items}"]


def _refuse(folder: EmbeddingFolder, changes: list[str]) -> None:
    if changes:
        listing = "\n  ".join(changes)
        raise UserError(
            f"{folder.path / EMBEDDINGS}: the folder holds other embeddings than these, and only appended items may be "
            f"new. Name another folder, or remove this one:\n  {listing}"
        )
