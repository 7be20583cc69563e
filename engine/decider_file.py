"""The file of a decider, beside the checkpoint that it was fitted to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from data.pair_features import PairFeatures
from data.shared_terms import Rarity
from engine.boosted_trees import BoostedTrees
from engine.checkpoint_folder import decider_path
from engine.checksums import recorded_checksum
from engine.decider import Blend, Decider
from engine.disk import json_record, whole_path
from engine.pair_scores import VALIDATION
from models.feature_blocks import FeatureBlocks
from models.weights import read_safetensors
from options.errors import UserError

FORMAT = 1
RECORD = "record"
"""Key of the file's metadata."""
FIT_AGAIN = "run bash train.sh with the option file of the run, which fits it"


@dataclass(frozen=True, slots=True)
class DeciderRecord:
    """What a decider's file says besides its arrays."""

    format: int
    attributes: tuple[str, ...]
    """That are compared."""
    numeric: tuple[str, ...]
    """Those of them whose numbers are."""
    terms: tuple[str, ...]
    """Kinds of terms whose rarity is known."""
    num_texts: int
    """In which they were counted."""
    blocks: tuple[tuple[str, int], ...]
    """Names and numbers of features of the blocks of frozen encoders."""
    blend: Blend
    calibrated: float
    estimated_f1: float | None
    validation_file: str
    """SHA-256 of the scores that it was fitted to."""
    digest: str = ""
    """SHA-256 of the arrays and of all that is said above."""


def write_decider(checkpoint: Path, decider: Decider) -> Path:
    """Write the decider of a checkpoint beside it; return the file."""
    validation_file = recorded_checksum(checkpoint, VALIDATION)
    assert validation_file is not None, "a checkpoint with a decider was evaluated"
    arrays: dict[str, NDArray[np.generic]] = dict(decider.trees.arrays())
    for name, rarity in decider.features.rarity.items():
        arrays |= {f"{name} bucket": rarity.bucket, f"{name} count": rarity.count}
    blocks = decider.blocks
    if blocks is not None:
        arrays |= {"mean": blocks.mean, "deviation": blocks.deviation}
    record = DeciderRecord(
        format=FORMAT,
        attributes=decider.features.names,
        numeric=decider.features.numeric,
        terms=tuple(decider.features.rarity),
        num_texts=decider.features.num_texts,
        blocks=tuple(zip(blocks.names, blocks.widths, strict=True)) if blocks is not None else (),
        blend=decider.blend,
        calibrated=decider.calibrated,
        estimated_f1=decider.estimated_f1,
        validation_file=validation_file,
    )
    record = replace(record, digest=_digest(arrays, record))
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    file = decider_path(checkpoint)
    with whole_path(file) as temporary:
        save_file(tensors, temporary, {RECORD: json.dumps(asdict(record))})
    return file


def find_decider(checkpoint: Path) -> Decider:
    """Read the decider of a checkpoint.

    Raises UserError where there is none, and for one that is damaged or of another state of the checkpoint.
    """
    file = decider_path(checkpoint)
    if not file.is_file():
        raise UserError(
            f"predict.decider: {file} is missing: {FIT_AGAIN} to the best checkpoint alone, or set predict.decider=null"
        )
    try:
        tensors = read_safetensors(file)
    except UserError as error:
        raise UserError(f"{error}; delete it and {FIT_AGAIN} anew") from error
    try:
        with safe_open(file, "numpy") as stream:
            record = json_record((stream.metadata() or {})[RECORD], DeciderRecord)
        decider = _decider(record, {name: tensor.numpy() for name, tensor in tensors.items()})
    except (KeyError, ValueError) as error:
        raise UserError(f"{file}: is damaged, or no decider ({error}); delete it and {FIT_AGAIN} anew") from error
    if record.validation_file != recorded_checksum(checkpoint, VALIDATION):
        raise UserError(f"{file}: was fitted to other scores than those of {checkpoint}: {FIT_AGAIN} anew")
    return decider


def _decider(record: DeciderRecord, arrays: dict[str, NDArray[np.generic]]) -> Decider:
    """Return the decider of a file's content; raises KeyError or ValueError for what is none."""
    if record.format != FORMAT:
        raise ValueError(f"its format is {record.format} and not {FORMAT}")
    if record.digest != _digest(arrays, replace(record, digest="")):
        raise ValueError("its digest is another")
    blocks = None
    if record.blocks:
        names, widths = zip(*record.blocks, strict=True)
        mean, deviation = (np.asarray(arrays[name], np.float32) for name in ("mean", "deviation"))
        blocks = FeatureBlocks(names, widths, mean, deviation)
    rarity = {}
    for name in record.terms:
        bucket, count = (np.asarray(arrays[f"{name} {what}"], np.int32) for what in ("bucket", "count"))
        rarity[name] = Rarity(record.num_texts, bucket, count)
    features = PairFeatures(rarity, record.attributes, record.numeric)
    return Decider(features, blocks, BoostedTrees.of(arrays), record.blend, record.calibrated, record.estimated_f1)


def _digest(arrays: Mapping[str, NDArray[np.generic]], record: DeciderRecord) -> str:
    digest = hashlib.sha256(json.dumps(asdict(record), sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()
