"""Features of frozen encoders in files, each computed once for what an encoder reads, whatever the item and the run."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from data.content_keys import KEY_BYTES
from engine.disk import one_at_a_time, whole_path
from models.encoder import Encoder
from models.weights import read_safetensors, weights_digest
from options.errors import UserError


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """A file of features by key; a key that is None is never in it."""

    file: Path
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
        if any(key is not None for key in keys):
            with one_at_a_time(self.file.with_name(".lock")):
                self._add(keys, features)

    def _add(self, keys: list[bytes | None], features: Tensor) -> None:
        rows, stored = self._read()
        new = {key: place for place, key in enumerate(keys) if key is not None and key not in rows}
        if not new:
            return
        known = torch.frombuffer(bytearray(b"".join([*rows, *new])), dtype=torch.uint8).view(-1, KEY_BYTES)
        tensors = {"keys": known, "features": torch.cat([stored, features[list(new.values())]])}
        with whole_path(self.file) as temporary:
            save_file(tensors, temporary)

    def _read(self) -> tuple[dict[bytes, int], Tensor]:
        """Return the row of each key, in order, and the features."""
        if not self.file.exists():
            return {}, torch.empty(0, self.width)
        tensors = read_safetensors(self.file)
        try:
            keys, features = tensors["keys"], tensors["features"]
            assert keys.shape == (len(features), KEY_BYTES)
            assert features.shape == (len(features), self.width)
        except (KeyError, AssertionError) as error:
            raise UserError(f"{self.file}: holds no features of frozen encoders; delete it") from error
        return {row.tobytes(): number for number, row in enumerate(keys.numpy())}, features


def feature_store(folder: Path, modality: str, encoder: Encoder, reading: object) -> FeatureStore:
    """Return the store of an encoder's features; `reading` stands for all else that they depend on, by its repr."""
    surroundings = f"{weights_digest(encoder)} {encoder} {reading!r} {torch.__version__}"
    name = hashlib.sha256(surroundings.encode()).hexdigest()[:16]
    return FeatureStore(folder / f"{modality}_{name}.safetensors", encoder.width)
