"""What is to be embedded, and whether a folder can go on with it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue

from data.item_catalog import ItemCatalog
from engine.checksums import file_checksum
from engine.experiment import ExperimentOptions
from engine.run_identity import differences, shown_value
from models.embedding import ItemEmbedder
from models.weights import weights_digest
from options.errors import UserError
from tools.catalogue.embedding_folder import EMBEDDINGS, FORMAT, EmbeddingsRecord, read_embeddings_record
from tools.catalogue.embedding_shard import NUMBERS, EmbeddingShard, NumberType

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


def embeddings_record(
    job: EmbeddingJob, options: ExperimentOptions, num_items: int, encoder: ItemEmbedder
) -> EmbeddingsRecord:
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


def encoding_digest(record: EmbeddingsRecord) -> str:
    """Return the SHA-256 of all that a shard's numbers depend on but its items."""
    return hashlib.sha256(json.dumps(_fixed(record), sort_keys=True).encode()).hexdigest()


def check_goes_on(job: EmbeddingJob, record: EmbeddingsRecord, catalog: ItemCatalog) -> None:
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
        encoding = encoding_digest(record)
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
