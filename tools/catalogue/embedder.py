"""The embeddings of a whole catalogue, in shards that each process writes for itself.

Process r of P takes the shards r, r + P, r + 2 P, ... that are not there yet. The processes say nothing to each other:
none waits for another, none is lost with another, and one that is started again takes what it had left.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.image_store import ImageFolder, ImageSource, open_images
from data.item_catalog import ItemCatalog, read_items
from data.item_tensors import ItemTensors, tokenize_catalog
from data.options import DataOptions, Modalities
from data.tokenizer import Tokenizer
from engine.disk import sole_user
from engine.distributed import Processes
from engine.encode import EncodingPlan, encoded_batches, encoding_plan
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import chosen_checkpoint
from engine.onnx_encoder import RUNTIME, check_onnx_packages
from engine.predictor import load_encoder
from engine.stop_request import StoppedError, StopRequest
from models.embedding import ItemEmbedder
from options.errors import UserError
from options.printable import quoted
from tools.catalogue.embedding_folder import EmbeddingsRecord, write_embeddings_record
from tools.catalogue.embedding_job import EmbeddingJob, check_goes_on, embeddings_record, encoding_digest
from tools.catalogue.embedding_shard import EmbeddedItem, EmbeddingShard, Packed
from tools.catalogue.embedding_watch import EmbeddingWatch, watched


@dataclass(frozen=True, slots=True)
class Embedding:
    """What was embedded."""

    record: EmbeddingsRecord
    num_kept: int
    """Items that were there before."""
    num_blank_images: int
    """Unreadable images that were replaced."""


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
    stop = stop or StopRequest()
    encoder: ItemEmbedder
    if job.onnx is not None:
        options, encoder = _exported(options, job.onnx)
        catalogue = _read_catalogue(options, job)
    else:
        checkpoint = chosen_checkpoint(options)
        catalogue = _read_catalogue(options, job)
        encoder = load_encoder(options, checkpoint, catalogue.part(range(1)))
    record = embeddings_record(job, options, len(catalogue.items), encoder)
    check_goes_on(job, record, catalogue.items)
    encoder.to(processes.device)
    plan = encoding_plan(options, options.prediction_precision, processes.device)
    encoding = _Encoding(catalogue, encoder, plan, encoding_digest(record))
    with (
        sole_user(job.out / f".process_{processes.rank:05d}.lock", f"embeds as number {processes.rank}"),
        watched(job.out, record, processes.is_first) as watch,
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
    return Embedding(record, num_kept, _num_blank_images(job.out, record))


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
