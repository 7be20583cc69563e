"""What embeddings.json says of a folder of embeddings."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from engine.disk import read_json, write_json
from options.errors import UserError

FORMAT = 1
EMBEDDINGS = "embeddings.json"
NumberType = Literal["float32", "float16"]
AGAIN = "run `bash run.sh catalogue embed` with the same arguments again"
FIXED = ("shard_items", "threshold_width", "match_width", "type", "weights")
"""What a folder's later runs must not change, besides the options and the items that it has."""


@dataclass(frozen=True, slots=True)
class EmbeddingsRecord:
    """What embeddings.json says: what the folder holds, and what that depends on."""

    format: int
    run: str
    """Name in the option file."""
    num_items: int
    shard_items: int
    """Items of each shard; the last one may have fewer."""
    threshold_width: int
    match_width: int
    type: NumberType
    """Of the numbers in the shards."""
    weights: str
    """SHA-256 of the encoder's weights."""
    items: str
    """SHA-256 of the item file."""
    options: Mapping[str, JsonValue]
    """Those that the embeddings depend on, as resolved."""

    @property
    def fixed(self) -> Mapping[str, JsonValue]:
        """All that the numbers depend on but the items, by name."""
        return {**self.options, **{key: getattr(self, key) for key in FIXED}}

    @property
    def encoding(self) -> str:
        """SHA-256 of that, which every shard states too."""
        return hashlib.sha256(json.dumps(self.fixed, sort_keys=True).encode()).hexdigest()

    @property
    def num_shards(self) -> int:
        """How many shards the whole catalogue has."""
        return -(-self.num_items // self.shard_items)

    @property
    def width(self) -> int:
        """Numbers an item, both halves."""
        return self.threshold_width + self.match_width


def read_embeddings_record(path: Path) -> EmbeddingsRecord | None:
    """Read embeddings.json, None where there is none; raises UserError for a damaged one or one of another format."""
    file = path / EMBEDDINGS
    record = read_json(file, EmbeddingsRecord, f"remove the folder and {AGAIN}")
    if record is not None and record.format != FORMAT:
        raise UserError(f"{file}: format {record.format} is not {FORMAT}, which is read here; embed into a new folder")
    if record is not None:
        for name, least in (("num_items", 1), ("shard_items", 1), ("threshold_width", 0), ("match_width", 1)):
            if (number := getattr(record, name)) < least:
                raise UserError(f"{file}: is damaged: {name} is {number:,}, not {least} at least; {AGAIN}")
    return record


def write_embeddings_record(path: Path, record: EmbeddingsRecord) -> None:
    """Write embeddings.json, whole or not at all."""
    write_json(path / EMBEDDINGS, asdict(record))
