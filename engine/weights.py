"""Weights that a run starts from, out of a checkpoint of another run."""

from pathlib import Path

from engine.checkpoint import ENCODER, load_item_encoder
from models.item_encoder import ItemEncoder
from models.options import ModelOptions
from models.weights import load_exactly, read_safetensors
from options.errors import UserError


def load_first_weights(options: ModelOptions, encoder: ItemEncoder) -> None:
    """Load model.weights, if it is given, into a freshly built encoder."""
    if options.weights is not None:
        load_encoder_weights(Path(options.weights), encoder)


def load_encoder_weights(path: Path, encoder: ItemEncoder) -> None:
    """Load an encoder from a checkpoint folder or a safetensors file; raises UserError where it does not fit."""
    if (path / ENCODER).is_file():
        load_item_encoder(path, encoder)
    elif path.is_file():
        load_exactly(encoder, read_safetensors(path), str(path))
    else:
        raise UserError(f"{path}: no checkpoint (a folder with {ENCODER}, or such a file)")
