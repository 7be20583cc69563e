"""A folder of an image encoder of timm, as timm or open_clip saves it and the hub keeps it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from data.hub import WEIGHT_FILES
from options.errors import UserError

OPEN_CLIP = "open_clip_config.json"
CONFIG = "config.json"
OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


class TimmFolder(NamedTuple):
    """What a folder says of its model."""

    architecture: str
    arguments: Mapping[str, JsonValue]
    preparation: Mapping[str, JsonValue]
    """Of pictures: mean, std, and input_size where it is stated."""
    weights: Path


def read_timm_folder(folder: Path, option: str) -> TimmFolder:
    """Read a folder; raises UserError where it has no model of timm or no weights."""
    files = [file for name in (*WEIGHT_FILES, *OPEN_CLIP_WEIGHTS) if (file := folder / name).is_file()]
    own, dual = _read(folder / CONFIG), _read(folder / OPEN_CLIP)
    architecture = own.get("architecture")
    arguments, preparation = _part(own, "model_args"), _part(own, "pretrained_cfg")
    if not isinstance(architecture, str):
        architecture = _part(dual, "model_cfg", "vision_cfg").get("timm_model_name")
        arguments, preparation = {}, _part(dual, "preprocess_cfg")
    if not isinstance(architecture, str) or not files:
        raise UserError(
            f"{option}: {folder} has no image encoder of timm: it needs {CONFIG} with an architecture of timm, or "
            f"{OPEN_CLIP} with a timm_model_name, and {' or '.join((*WEIGHT_FILES, *OPEN_CLIP_WEIGHTS))}. A folder of "
            "transformers is named with name: transformers"
        )
    return TimmFolder(architecture, arguments, preparation, files[0])


def _read(file: Path) -> Mapping[str, JsonValue]:
    if not file.is_file():
        return {}
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file}: damaged: {error}") from error
    return record if isinstance(record, Mapping) else {}


def _part(record: Mapping[str, JsonValue], *names: str) -> Mapping[str, JsonValue]:
    for name in names:
        part = record.get(name)
        record = part if isinstance(part, Mapping) else {}
    return record
