"""A published checkpoint as one of our folders, and one of ours as a published file, without building a model."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.checkpoint import ENCODER
from engine.checksums import write_checksums
from engine.disk import refuse_existing, whole_folder, whole_path
from models.published import ours_to_published, published_to_ours
from models.published_file import read_published
from models.swin_names import ImageLibrary
from models.weights import read_safetensors
from options.errors import UserError

PARTS = ("text_encoder", "image_encoder", "projection")
"""What each branch of the published network has."""


def import_published(file: Path, folder: Path, image_library: ImageLibrary) -> int:
    """Write a published .pth, whole or in parts, as a checkpoint folder; return the number of its tensors.

    The folder has no state.json and no optimizer state, since the file has neither.

    Raises:
        UserError: the file cannot be read or is not the published network, or the folder exists.
    """
    refuse_existing(folder)
    state = published_to_ours(read_published(file), image_library)
    _check_branches(state, file)
    with whole_folder(folder) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary / ENCODER)
        write_checksums(temporary)
    return len(state)


def export_published(checkpoint: Path, file: Path) -> int:
    """Write a checkpoint folder, or its item_encoder.safetensors, as a published .pth; return the number of tensors.

    Raises:
        UserError: the checkpoint cannot be read or is not of the published network's kind, or the file exists.
    """
    refuse_existing(file)
    source = checkpoint / ENCODER if checkpoint.is_dir() else checkpoint
    ours = read_safetensors(source)
    _check_branches(ours, source)
    state = ours_to_published(ours, _image_library(ours, source))
    # torch makes other errors of a full disk where it is given a path.
    with whole_path(file) as temporary, temporary.open("wb") as stream:
        torch.save({"params": {name: _alone(tensor) for name, tensor in state.items()}}, stream)
    return len(state)


def _check_branches(state: Mapping[str, Tensor], origin: Path) -> None:
    """Raise a UserError unless both branches are whole and alike."""
    faults = [
        f"nothing of {branch}.{part}"
        for branch in ("match", "threshold")
        for part in PARTS
        if not any(name.startswith(f"{branch}.{part}.") for name in state)
    ]
    if not faults:
        match, threshold = (
            {name.removeprefix(prefix) for name in state if name.startswith(prefix)}
            for prefix in ("match.", "threshold.")
        )
        faults += [f"missing match.{name}" for name in sorted(threshold - match)]
        faults += [f"missing threshold.{name}" for name in sorted(match - threshold)]
    if faults:
        listing = "\n  ".join(faults)
        raise UserError(f"{origin}: not the published network, whose branches both have all encoders:\n  {listing}")


def _image_library(state: Iterable[str], origin: Path) -> ImageLibrary:
    for name in state:
        if found := re.match(r"match\.image_encoder\.backbone\.(patch_embed|embeddings)\.", name):
            return "timm" if found[1] == "patch_embed" else "transformers"
    raise UserError(f"{origin}: its image encoder is no Swin Transformer, which the published network has")


def _alone(tensor: Tensor) -> Tensor:
    """Return the tensor in memory of its own, since torch writes all the memory that a tensor is a part of."""
    whole = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
    return tensor if whole else tensor.clone(memory_format=torch.contiguous_format)
