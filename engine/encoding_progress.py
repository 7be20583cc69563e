"""The embeddings that a prediction has so far, in a file, so that it goes on after a kill."""

import hashlib
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from data.item_tensors import ItemTensors
from engine.disk import writing
from engine.distributed import Processes
from engine.encode import EncodedRound, EncodingPlan
from engine.experiment import ExperimentOptions
from models.embedding import ItemEmbedder
from models.weights import weights_digest

HEAD = np.dtype([("num_items", "<i8"), ("checksum", "<u4")])
"""What stands before the items of each round."""


@dataclass(frozen=True, slots=True)
class EncodingProgress:
    """Rounds of encoded items in a file, appended one by one.

    The file begins with a line of a key, which stands for all that the embeddings depend on, and of the time at
    which it was begun, in nanoseconds.
    """

    file: Path
    width: int
    """Numbers an item."""

    def resume(self, key: str, items: ItemTensors) -> list[EncodedRound]:
        """Return the rounds in the file, if they have this key and none of their images has changed since.

        Otherwise the file is begun anew. What follows the last whole round is cut off.
        """
        with writing(self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.touch()
            with self.file.open("r+b") as stream:
                first_key, _, begun = stream.readline(200).partition(b" ")
                is_same = first_key == key.encode() and begun.strip().isdigit()
                rounds = list(self._whole_rounds(stream)) if is_same else []
                if not rounds or _newest_image(items, rounds) > int(begun):
                    rounds = []
                    stream.seek(0)
                    stream.write(f"{key} {time.time_ns()}\n".encode())
                stream.truncate()
        return rounds

    def kept(self, rounds: Iterator[EncodedRound | None]) -> Iterator[EncodedRound | None]:
        """Write each round behind the others and pass it on."""
        for encoded in rounds:
            if encoded is not None:
                self._append(encoded)
            yield encoded

    @property
    def _record(self) -> np.dtype[np.void]:
        return np.dtype([("item", "<i8"), ("blank_image", "?"), ("packed", "<f4", (self.width,))])

    def _append(self, encoded: EncodedRound) -> None:
        records = np.empty(len(encoded.item), self._record)
        for name, column in encoded._asdict().items():
            records[name] = column.numpy()
        content = records.tobytes()
        head = np.array((len(records), zlib.crc32(content)), HEAD)
        with writing(self.file), self.file.open("ab") as stream:
            stream.write(head.tobytes() + content)

    def _whole_rounds(self, stream: BinaryIO) -> Iterator[EncodedRound]:
        """Yield the rounds from the stream's place on, and leave it behind the last whole one."""
        whole = stream.tell()
        while (records := self._read(stream)) is not None:
            whole = stream.tell()
            yield EncodedRound(*(torch.from_numpy(records[name].copy()) for name in EncodedRound._fields))
        stream.seek(whole)

    def _read(self, stream: BinaryIO) -> NDArray[np.void] | None:
        head = stream.read(HEAD.itemsize)
        if len(head) < HEAD.itemsize:
            return None
        num_items, checksum = np.frombuffer(head, HEAD)[0].tolist()
        num_bytes = num_items * self._record.itemsize
        if not 0 < num_bytes <= self.file.stat().st_size - stream.tell():
            return None
        content = stream.read(num_bytes)
        return np.frombuffer(content, self._record) if zlib.crc32(content) == checksum else None


def encoding_key(
    options: ExperimentOptions, encoder: ItemEmbedder, items: ItemTensors, plan: EncodingPlan, processes: Processes
) -> str:
    """Return a digest of all that embeddings depend on but the images' content."""
    digest = hashlib.sha256(weights_digest(encoder).encode())
    digest.update(json.dumps(options.encoding, sort_keys=True).encode())
    digest.update(items.catalog.digest().encode())
    if items.text is not None:
        digest.update(items.text.ids.tobytes())
        digest.update(items.text.starts.tobytes())
    surroundings = (items.images.path.resolve(), items.image, replace(plan, workers=0))
    digest.update(f"{surroundings} {processes.device.type} {torch.__version__}".encode())
    return digest.hexdigest()


def _newest_image(items: ItemTensors, rounds: list[EncodedRound]) -> int:
    """Return when an image of the encoded items was last changed, in nanoseconds; 0 without images."""
    if items.image is None:
        return 0
    rows = torch.cat([encoded.item for encoded in rounds]).tolist()
    return items.images.newest(items.catalog[row].image for row in rows)
