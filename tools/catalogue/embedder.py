"""The embeddings of a whole catalogue, in shards that each process writes for itself.

Process r of P takes the shards r, r + P, r + 2 P, ... that are not there yet. The processes say nothing to each other:
none waits for another, none is lost with another, and one that is started again takes what it had left.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from data.image_store import ImageFolder, ImageSource, open_images
from data.item_catalog import ItemCatalog, read_items
from data.item_tensors import ItemTensors, tokenize_catalog
from data.options import DataOptions, Modalities
from data.tokenizer import Tokenizer
from engine.checksums import file_checksum
from engine.disk import sole_user
from engine.distributed import Processes
from engine.encode import EncodingPlan, encoded_batches, encoding_plan
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import chosen_checkpoint
from engine.onnx_encoder import RUNTIME, check_onnx_packages
from engine.predictor import load_encoder
from engine.run_identity import differences, shown_value
from engine.stop_request import StoppedError, StopRequest
from models.item_embedder import ItemEmbedder
from models.weights import weights_digest
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_folder import (
    EMBEDDINGS,
    FORMAT,
    NUMBERS,
    EmbeddedItem,
    EmbeddingShard,
    EmbeddingsRecord,
    NumberType,
    Packed,
    read_embeddings_record,
    write_embeddings_record,
)
from tools.catalogue.embedding_watch import EmbeddingWatch

FIXED = ("shard_items", "threshold_width", "match_width", "type", "weights")
"""What a folder's later runs must not change, besides the options and the items that it has."""


@dataclass(frozen=True, slots=True)
class EmbeddingJob:
    """A catalogue to embed."""

    items: Path
    """Item file."""
    images: Path
    """Folder or pack of the items' images."""
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
class _Catalogue:
    """Items of which parts are prepared when their turn comes, since the tokens of all would take much memory."""

    items: ItemCatalog
    images: ImageSource
    tokenizer: Tokenizer | None
    data: DataOptions
    reads: Modalities

    def part(self, rows: range) -> ItemTensors:
        """Return the maker of batches of some rows, which it numbers from 0."""
        catalog = self.items.part(rows)
        text = None
        if self.tokenizer is not None:
            text = tokenize_catalog(catalog, self.tokenizer, self.data.text.attributes)
        # Every picture is looked at once.
        image = self.data.image.model_copy(update={"keep_in_memory": False}) if self.reads.image else None
        return ItemTensors(catalog, text, self.images, image, attributes=self.reads.attributes)


@dataclass(frozen=True, slots=True)
class _Encoding:
    """How shards are made of the catalogue."""

    catalogue: _Catalogue
    encoder: ItemEmbedder
    plan: EncodingPlan
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
    encoder: ItemEmbedder
    if job.onnx is not None:
        options, encoder = _exported(options, job.onnx)
        catalogue = _read_catalogue(options, job)
    else:
        checkpoint = chosen_checkpoint(options)
        catalogue = _read_catalogue(options, job)
        encoder = load_encoder(options, checkpoint, catalogue.part(range(1)))
    record = _record(job, options, len(catalogue.items), encoder)
    _check_goes_on(job, record, catalogue.items)
    encoder.to(processes.device)
    plan = encoding_plan(options, options.prediction_precision, processes.device)
    encoding = _Encoding(catalogue, encoder, plan, _encoding_digest(record))
    with (
        sole_user(job.out / f".process_{processes.rank:05d}.lock", f"embeds as number {processes.rank}"),
        closing(EmbeddingWatch(job.out, record, processes.is_first)) as watch,
    ):
        num_kept = watch.num_items
        if processes.is_first:
            write_embeddings_record(job.out, record)
        for number in watch.missing:
            if number % processes.count == processes.rank:
                _make(record.shard(job.out, number), encoding, processes, watch, stop)
        if not processes.is_first:
            return None
        watch.wait_for_others(stop)
    return Embedding(record, num_kept, _num_blank_images(job.out, record), time.monotonic() - started)


def _exported(options: ExperimentOptions, folder: Path) -> tuple[ExperimentOptions, ItemEmbedder]:
    """Return an exported encoder, and the options with items prepared as it wants them."""
    check_onnx_packages(RUNTIME)
    from engine.onnx_encoder import OnnxItemEncoder

    encoder = OnnxItemEncoder(folder)
    return encoder.prepared(options), encoder


def _read_catalogue(options: ExperimentOptions, job: EmbeddingJob) -> _Catalogue:
    data, reads = options.data, options.reads
    return _Catalogue(
        items=read_items(job.items),
        images=open_images(job.images, data.image) if reads.image else ImageFolder(job.images),
        tokenizer=Tokenizer(data.text.tokenizer, data.text.max_tokens) if reads.text else None,
        data=data,
        reads=reads,
    )


def _make(
    shard: EmbeddingShard, encoding: _Encoding, processes: Processes, watch: EmbeddingWatch, stop: StopRequest
) -> None:
    """Encode and write one shard, whose batches are cut from its items alone."""
    items = encoding.catalogue.part(shard.rows)
    packed = np.empty((len(shard.rows), shard.width), shard.type)
    blank_image = np.zeros(len(shard.rows), np.bool_)
    batches = encoding.plan.batches(items)
    for encoded in encoded_batches(encoding.encoder, items, batches, encoding.plan, processes):
        rows = encoded.item.numpy()
        with np.errstate(over="ignore"):  # what float16 cannot hold is found below, with its item
            packed[rows] = encoded.packed.numpy()
        blank_image[rows] = encoded.blank_image.numpy()
        watch.add(len(rows))
        if stop.agreed():
            raise StoppedError(f"embed: {watch.progress()}; run the same command again")
    _check_finite(packed, items.catalog, shard)
    written = [
        EmbeddedItem(item.item_id, item.category, blank)
        for item, blank in zip(items.catalog, blank_image.tolist(), strict=True)
    ]
    shard.write(packed, written, encoding.digest, encoding.catalogue.items.digest(shard.rows))
    watch.finish_shard(shard.number)


def _check_finite(packed: Packed, catalog: ItemCatalog, shard: EmbeddingShard) -> None:
    finite = np.isfinite(packed).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        raise UserError(
            f"item {quoted(catalog[row].item_id)} (row {shard.rows[row] + 1:,}): its embedding is not finite in "
            f"{shard.type}; take --type float32 or predict.precision=float32, else the checkpoint is of no use"
        )


def _num_blank_images(folder: Path, record: EmbeddingsRecord) -> int:
    records = (shard.record() for shard in record.shards(folder))
    return sum(own.num_blank_images for own in records if own is not None)


def _record(job: EmbeddingJob, options: ExperimentOptions, num_items: int, encoder: ItemEmbedder) -> EmbeddingsRecord:
    """Return what embeddings.json is to say; raises UserError where the item file cannot be read."""
    return EmbeddingsRecord(
        format=FORMAT,
        run=options.name,
        num_items=num_items,
        shard_items=job.shard_items,
        threshold_width=encoder.threshold_width,
        match_width=encoder.match_width,
        type=job.type,
        weights=weights_digest(encoder),
        items=file_checksum(job.items),
        options=options.encoding,
    )


def _encoding_digest(record: EmbeddingsRecord) -> str:
    """Return the SHA-256 of all that a shard's numbers depend on but its items."""
    return hashlib.sha256(json.dumps(_fixed(record), sort_keys=True).encode()).hexdigest()


def _check_goes_on(job: EmbeddingJob, record: EmbeddingsRecord, catalog: ItemCatalog) -> None:
    """Raise UserError if the folder holds embeddings by another encoder, in another form, or of other items.

    Items that were appended to the item file are none of these.
    """
    former = read_embeddings_record(job.out)
    if former is not None:
        changes = [
            f"{key}: {shown_value(new)}, before {shown_value(old)}"
            for key, old, new in differences(_fixed(former), _fixed(record))
        ]
        if record.num_items < former.num_items:
            changes.append(f"items of {job.items}: {record.num_items:,}, before {former.num_items:,}")
        if changes:
            raise _other(job, changes)
    if former is None or former.items != record.items:
        encoding = _encoding_digest(record)
        for shard in record.shards(job.out):
            _check_shard(job, shard, encoding, catalog)


def _check_shard(job: EmbeddingJob, shard: EmbeddingShard, encoding: str, catalog: ItemCatalog) -> None:
    own = shard.record()
    if own is None:
        return
    if own.encoding != encoding:
        raise _other(job, [f"{shard.file(NUMBERS)}: encoded with {encoding}, before {own.encoding}"])
    rows = range(shard.rows.start, shard.rows.start + own.num_items)
    digest = catalog.digest(rows) if rows.stop <= len(catalog) else "fewer items"
    if digest != own.items:
        raise _other(job, [f"items {rows.start + 1:,} to {rows.stop:,} of {job.items}: {digest}, before {own.items}"])


def _other(job: EmbeddingJob, changes: list[str]) -> UserError:
    listing = "\n  ".join(changes)
    return UserError(
        f"{job.out / EMBEDDINGS}: the folder holds other embeddings than these, and only appended items may be new. "
        f"Name another folder, or remove this one:\n  {listing}"
    )


def _fixed(record: EmbeddingsRecord) -> Mapping[str, JsonValue]:
    return {**record.options, **{key: value for key, value in asdict(record).items() if key in FIXED}}
