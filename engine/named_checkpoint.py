"""What a path names: a checkpoint, ours or a published one, with the options of its model and its weights."""

import json
from pathlib import Path

from data.image_store import GivenImages
from data.item import Item
from data.item_catalog import ItemCatalog
from data.loading import ItemPreparation
from engine.checkpoint import ENCODER, STATE, best_checkpoint, load_item_encoder, read_state
from engine.checkpoint_folder import latest_checkpoint
from engine.checksums import SUMS, check_files
from engine.disk import json_record
from engine.experiment import ExperimentOptions
from engine.run_folder import run_folder
from engine.run_identity import differences, shown_value
from models.encoder_probe import check_inputs
from models.item_encoder import ItemEncoder, build_item_encoder, with_random_weights
from models.options import ModelOptions
from models.published import published_to_ours
from models.published_file import read_published
from models.weights import load_exactly, read_safetensors
from options.errors import UserError


def named_checkpoint(path: Path, given: ExperimentOptions | None) -> tuple[Path, ExperimentOptions]:
    """Return a checkpoint, or the best one of a run's folder, with its own options unless others are given.

    Raises UserError for a checkpoint and options that the user has to mend.
    """
    is_imported = (path / ENCODER).is_file() and not (path / STATE).is_file()
    if not (path.is_file() or _is_published(path) or is_imported):
        checkpoint = checkpoint_of(path)
        return checkpoint, given.prepared() if given is not None else checkpoint_options(checkpoint)
    if given is None:
        raise UserError(f"{path}: keeps no options of its own; give the model's with --options OPTION_FILE")
    return path, given.prepared()


def chosen_checkpoint(options: ExperimentOptions) -> Path:
    """Return the checkpoint of predict.checkpoint; raises UserError where there is none."""
    choice = options.predict.checkpoint
    folder = run_folder(options.name).checkpoints
    if choice not in ("best", "latest"):
        named = Path(choice)
        if not named.exists() and not _is_published(named):
            raise UserError(f"predict.checkpoint: there is no {named}")
        return named
    checkpoint = best_checkpoint(folder) if choice == "best" else latest_checkpoint(folder)
    if checkpoint is None:
        raise UserError(
            f"{folder}: there is no {choice} checkpoint yet; train first (bash train.sh OPTION_FILE) or give "
            "predict.checkpoint=PATH"
        )
    return checkpoint


def checkpoint_of(path: Path) -> Path:
    """Return a checkpoint's folder, or the best one of a run's folder; raises UserError where there is none."""
    if (path / STATE).is_file():
        return path
    best = best_checkpoint(path / "checkpoints")
    if best is None:
        raise UserError(f"{path}: is no checkpoint and no folder of a run that has one (experiments/<name>)")
    return best


def checkpoint_options(checkpoint: Path) -> ExperimentOptions:
    """Return the options of the run that wrote a checkpoint; raises UserError for a damaged or an older one."""
    options = dict(read_state(checkpoint).run.options)
    try:
        return json_record(json.dumps(options), ExperimentOptions)
    except ValueError as error:
        raise UserError(f"{checkpoint / STATE}: run.options are none of this version: {error}") from error


def other_preparation(checkpoint: Path, options: ExperimentOptions) -> list[str]:
    """Return by which options items are prepared or encoded otherwise than in the run that wrote a checkpoint.

    The precision may be another. Options of an earlier version, which are not understood, count as others.
    """
    try:
        own = checkpoint_options(checkpoint)
    except UserError as error:
        return [str(error)]
    changes = differences(own.preparation, options.preparation)
    return [f"{key}: {shown_value(new)}, its own {shown_value(old)}" for key, old, new in changes]


def load_encoder(checkpoint: Path, options: ExperimentOptions, preparation: ItemPreparation) -> ItemEncoder:
    """Return the encoder of a checkpoint on the CPU; raises UserError unless its weights fit and it can read items."""
    encoder = build_item_encoder(with_random_weights(options.model), options.data.image)
    check_inputs(encoder, preparation.tensors(ItemCatalog([Item("", "", {}, "", "")]), GivenImages({})))
    load_checkpoint_weights(checkpoint, encoder, options.model)
    return encoder


def load_checkpoint_weights(path: Path, encoder: ItemEncoder, options: ModelOptions) -> None:
    """Load an encoder, built from the options, from one of our checkpoint folders or a file.

    A file is safetensors, or a published .pth, whole or in parts. Raises UserError naming every tensor that does
    not fit, and for a folder whose files are not as they were written.
    """
    if (path / ENCODER).is_file():
        if (path / SUMS).is_file():
            check_files(path, {ENCODER, STATE} if (path / STATE).exists() else {ENCODER})
        load_item_encoder(path, encoder)
    elif _is_published(path):
        image_encoder = options.image_encoder
        library = image_encoder.name if image_encoder is not None else "timm"
        load_exactly(encoder, published_to_ours(read_published(path), library), str(path))
    elif path.is_file():
        load_exactly(encoder, read_safetensors(path), str(path))
    else:
        raise UserError(
            f"{path}: no checkpoint (a folder with {ENCODER}, such a file, or a published .pth, whole or in parts)"
        )


def _is_published(path: Path) -> bool:
    """Return whether a path has the name of a published checkpoint, whole or in parts."""
    return path.suffix.startswith((".pth", ".parta"))
