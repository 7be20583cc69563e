"""What a training run starts with: the state that it goes on from, and features and compiled encoders for it."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from data.loading import Split
from data.stand_ins import stand_in_warnings
from engine.checkpoint import load_train_state, read_state
from engine.checkpoint_folder import checkpoint_path, find_resumption
from engine.checksums import DamagedError, check_files
from engine.distributed import Processes, from_first
from engine.encode import encoding_plan
from engine.experiment import ExperimentOptions
from engine.known_features import with_known_features
from engine.named_checkpoint import load_checkpoint_weights
from engine.run_identity import changes, validation_changes
from engine.training import TrainingRun, TrainState, first_state, seed_everything
from engine.training_model import TrainingModel, compile_encoders
from models.encoder_probe import check_inputs, freeze_unused, probe_encoders
from models.item_encoder import ItemFeatures, build_item_encoder, with_random_weights
from models.options import ModelOptions
from models.own_preparation import preparation_warnings
from options.errors import UserError


class Start(NamedTuple):
    """A run that is ready to train."""

    run: TrainingRun
    """With the features of frozen encoders, where they are kept."""
    state: TrainState
    resumed: Path | None
    """The checkpoint that it goes on from; None where it begins."""
    warnings: list[str]
    stale: list[Path]
    """Checkpoints whose evaluations are of other validation data, the one that it goes on from the last."""


def start_training(run: TrainingRun) -> Start:
    """Go on from the run's latest checkpoint, or begin.

    Raises UserError for checkpoints and options that the user has to mend, and StoppedError where it is asked to stop.
    """
    options = run.options
    resumption = from_first(lambda: find_resumption(run.folder.checkpoints))
    state, notes = _state(run, resumption.checkpoint)
    if options.train.frozen_features is not None:
        encoder, folder = state.model.item_encoder, options.train.frozen_features
        plan = encoding_plan(options, options.train.precision, run.processes.device)
        train_split, val_split = (
            with_known_features(split, encoder, folder, plan, run.processes, f"frozen features of {name}", run.stop)
            for name, split in (("train", run.train_split), ("val", run.val_split))
        )
        run = replace(run, train_split=train_split, val_split=val_split)
    if options.model.head.is_fitted and resumption.checkpoint is None and options.model.weights is None:
        fit_to_training_items(state, run.train_split)
    if options.train.compile:
        note = compile_encoders(state.model.item_encoder, run.processes.device)
        notes += [note] if note is not None else []
    notes += preparation_warnings(options.data.image, options.model.image_encoder)
    if options.reads.image:
        for split in (run.train_split, run.val_split):
            notes += stand_in_warnings((item.image for item in split.catalog), split.items.images)
    stale, changed = _stale_checkpoints(run, state, resumption.checkpoint)
    if stale:
        state.best_f1, state.best_step = -1.0, None  # scores of other pairs are not compared
        names = " and ".join(checkpoint.name for checkpoint in stale)
        notes.append(f"not what the run was evaluated on before: {', '.join(changed)}; evaluated anew: {names}")
    return Start(run, state, resumption.checkpoint, [*resumption.warnings, *dict.fromkeys(notes)], stale)


def _state(run: TrainingRun, checkpoint: Path | None) -> tuple[TrainState, list[str]]:
    """Return the state to go on from, by the first of these that there is, and what is worth a warning."""
    options = run.options
    # 1. The run's own latest checkpoint: all of the state.
    if checkpoint is not None:
        before = changes(read_state(checkpoint).run, run.identity)
        if before.forbidden:
            raise UserError(
                f"{checkpoint}: the run cannot go on with other data, another model or another number of pairs a "
                "step. Undo this, or give the run another name to start anew:\n  " + "\n  ".join(before.forbidden)
            )
        state = fresh_state(options, with_random_weights(options.model), run.train_split, run.processes)
        load_train_state(checkpoint, state, run.processes)
        return state, [f"changed since {checkpoint.name}: {change}" for change in before.allowed]
    # 2. The checkpoint that the options name: its weights.
    if options.model.weights is not None:
        state = fresh_state(options, with_random_weights(options.model), run.train_split, run.processes)
        load_checkpoint_weights(Path(options.model.weights), state.model.item_encoder, options.model)
    # 3. The first weights of the options.
    else:
        state = fresh_state(options, options.model, run.train_split, run.processes)
    probe_encoders(state.model.item_encoder, run.train_split.items)
    return state, []


def _stale_checkpoints(run: TrainingRun, state: TrainState, latest: Path | None) -> tuple[list[Path], list[str]]:
    """Return the former best checkpoint, if it is whole, and the latest, and which validation data changed since.

    None where nothing has changed, or nothing was evaluated yet.
    """
    if latest is None or state.best_step is None:
        return [], []
    before, now = read_state(latest).run.validation, run.identity.validation
    # An earlier version did not say on what it evaluated.
    changed = validation_changes(before, now) if before is not None and now is not None else ["data.val"]
    if not changed:
        return [], []
    best = checkpoint_path(run.folder.checkpoints, state.best_step)
    try:
        check_files(best)
    except DamagedError:
        best = latest
    return list(dict.fromkeys([best, latest])), changed


def fresh_state(
    options: ExperimentOptions, model_options: ModelOptions, train_split: Split, processes: Processes
) -> TrainState:
    """Build model, loss and optimizer with their first weights, by the seed of the options.

    `model_options` are those of the options, or these with random weights where others are loaded later.
    """
    seed_everything(options.seed)
    encoder = build_item_encoder(model_options, options.data.image)
    if options.train.activation_checkpointing:
        encoder.checkpoint_activations()
    check_inputs(encoder, train_split.items)
    freeze_unused(encoder, train_split.items)
    model = TrainingModel(encoder, options.loss, options.train.precision).to(processes.device)
    return first_state(model, options.train, processes.device)


def fit_to_training_items(state: TrainState, split: Split) -> None:
    """Fit the model to the known features of a split's items, those of its pairs."""
    known = split.items.known
    assert known is not None, "the options see to it"
    device = state.loss_sum.device
    features = ItemFeatures(*(part.to(device) if part is not None else None for part in (known.text, known.image)))
    state.model.item_encoder.fit(features)
