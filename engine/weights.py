"""Weights that a run starts from or predicts with, out of a checkpoint: ours or a published one."""

from pathlib import Path

from engine.checkpoint import ENCODER, STATE, load_item_encoder
from engine.checksums import SUMS, check_files
from models.item_encoder import ItemEncoder
from models.options import ModelOptions
from models.published import published_to_ours
from models.published_file import read_published
from models.weights import load_exactly, read_safetensors
from options.errors import UserError


def is_published(path: Path) -> bool:
    """Return whether a path has the name of a published checkpoint, whole or in parts."""
    return path.suffix.startswith((".pth", ".parta"))


def load_checkpoint_weights(path: Path, encoder: ItemEncoder, options: ModelOptions) -> None:
    """Load an encoder, built from the options, from one of our checkpoint folders or a file.

    A file is safetensors, or a published .pth, whole or in parts. Raises UserError naming every tensor that does
    not fit, and for a folder whose files are not as they were written.
    """
    if (path / ENCODER).is_file():
        if (path / SUMS).is_file():
            check_files(path, {ENCODER, STATE} if (path / STATE).exists() else {ENCODER})
        load_item_encoder(path, encoder)
    elif is_published(path):
        image_encoder = options.image_encoder
        library = image_encoder.name if image_encoder is not None else "timm"
        load_exactly(encoder, published_to_ours(read_published(path), library), str(path))
    elif path.is_file():
        load_exactly(encoder, read_safetensors(path), str(path))
    else:
        raise UserError(
            f"{path}: no checkpoint (a folder with {ENCODER}, such a file, or a published .pth, whole or in parts)"
        )
