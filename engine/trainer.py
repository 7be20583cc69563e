"""A training run from its options to its result."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from data.jsonl import DataError
from data.loading import Split, load_split, pair_batches
from data.pair_batch import PairBatch
from data.pair_dataset import PairDataset, product_groups
from data.split_overlap import overlap_message
from engine.after_step import AfterStep, result_record
from engine.blank_images import BlankImages, read_blank_ids
from engine.checkpoint import best_checkpoint, load_train_state, read_state
from engine.checkpoint_folder import Resumption, find_resumption
from engine.compilation import compile_encoders
from engine.dashboard import check_dashboards, open_dashboards
from engine.disk import writing
from engine.distributed import Processes, from_first
from engine.encode import encoding_plan
from engine.environment import environment
from engine.evaluator import MOST_PAIRS, Evaluation
from engine.experiment import ExperimentOptions
from engine.fitting import fit_to_training_items
from engine.fresh_state import fresh_state
from engine.known_features import with_known_features
from engine.named_checkpoint import load_checkpoint_weights
from engine.parallel import data_parallel
from engine.randomness import use_deterministic_algorithms
from engine.run_folder import RunFolder, run_folder, write_json, write_text
from engine.run_identity import changes, run_identity
from engine.run_lock import sole_user
from engine.run_log import RunLog
from engine.stop_request import StopRequest
from engine.train_loop import train
from engine.train_state import TrainState
from engine.training_order import training_order
from engine.training_run import TrainingRun
from models.item_encoder import with_random_weights
from options.errors import UserError
from options.read import write_options


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Where a run's best checkpoint is and what it reached."""

    folder: RunFolder
    checkpoint: Path
    step: int
    evaluation: Evaluation


def run_training(
    options: ExperimentOptions, command: str, processes: Processes, stop: StopRequest | None = None
) -> TrainingResult:
    """Train to the last step, from the latest checkpoint of the run folder if there is one.

    Raises UserError for files, options and checkpoints that the user has to mend, and StoppedError where it is asked to
    stop.
    """
    check_dashboards(options.log)
    if options.deterministic:
        use_deterministic_algorithms()
    folder = run_folder(options.name)
    train_split, val_split = _load_splits(options)
    overlap = _overlap(options, train_split, val_split)
    identity = run_identity(options, train_split, processes)
    run = TrainingRun(options, folder, train_split, val_split, identity, processes, stop or StopRequest())
    with sole_user(folder.lock, "trains") if processes.is_first else nullcontext():
        resumption = from_first(lambda: find_resumption(folder.checkpoints))
        state, notes = _start(run, resumption)
        if options.train.frozen_features is not None:
            run = _with_known_features(run, state, options.train.frozen_features)
        if options.model.heads is not None and resumption.checkpoint is None and options.model.weights is None:
            fit_to_training_items(state, run.train_split)
        if options.train.compile:
            note = compile_encoders(state.model.item_encoder, processes.device)
            notes += [note] if note is not None else []
        if len(val_split.pairs) > MOST_PAIRS:
            notes.append(f"F1 is logged without its interval, as there are more than {MOST_PAIRS:,} validation pairs")
        if processes.is_first:
            _write_records(run, command)
        dashboards = open_dashboards(options, folder, state.step) if processes.is_first else ()
        with RunLog(folder, state.step, options.train.steps, dashboards, processes.is_first) as log:
            log.line(_opening(run, state, resumption.checkpoint))
            for note in (*resumption.warnings, *notes, *([overlap] if overlap is not None else [])):
                log.line(f"warning: {note}")
            _train(run, state, log)
        return _result(folder, processes)


def _start(run: TrainingRun, resumption: Resumption) -> tuple[TrainState, list[str]]:
    """Return the state to go on from, by the first of these that there is, and what is worth a warning."""
    options, checkpoint = run.options, resumption.checkpoint
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
        return state, []
    # 3. The first weights of the options.
    return fresh_state(options, options.model, run.train_split, run.processes), []


def _with_known_features(run: TrainingRun, state: TrainState, folder: Path) -> TrainingRun:
    """Return the run with what its frozen encoders make of all items, kept in a folder."""
    encoder, processes = state.model.item_encoder, run.processes
    plan = encoding_plan(run.options, run.options.train.precision, processes.device)
    train_split, val_split = (
        with_known_features(split, encoder, folder, plan, processes, f"frozen features of {name}", run.stop)
        for name, split in (("train", run.train_split), ("val", run.val_split))
    )
    return replace(run, train_split=train_split, val_split=val_split)


def _train(run: TrainingRun, state: TrainState, log: RunLog) -> None:
    known_blank = read_blank_ids(run.folder) if state.step else {}
    blank_images = BlankImages(run.train_split.catalog, known_blank)
    after_step = AfterStep(run, state, log, blank_images)
    after_step.finish_evaluation()
    batches = blank_images.watch(_batches(run, state.step))
    module = data_parallel(state.model, run.processes)
    train(state, module, batches, run.options.train, run.options.seed, run.processes, after_step)


def _load_splits(options: ExperimentOptions) -> tuple[Split, Split]:
    train_files, val_files = options.data.train, options.data.val
    if train_files is None or val_files is None:
        raise UserError("data.train and data.val: training needs both; the option file leaves one out")
    train_split = load_split(train_files, options.data, options.reads, labelled=True)
    val_split = load_split(val_files, options.data, options.reads, labelled=True)
    assert val_split.pairs.same is not None
    if not val_split.pairs.same.any():
        raise DataError(
            val_files.pairs,
            None,
            """no pair is labelled the same ("item_label": "1"), so there is no F1 to evaluate by; validate on pairs """
            "of both labels",
        )
    return train_split, val_split


def _overlap(options: ExperimentOptions, train_split: Split, val_split: Split) -> str | None:
    """Return what to warn of; raises UserError where that is to end the run."""
    message = overlap_message(train_split, val_split)
    if message is not None and options.data.on_split_overlap == "error":
        raise UserError(message)
    return message


def _batches(run: TrainingRun, first_step: int) -> Iterator[PairBatch]:
    split, processes = run.train_split, run.processes
    dataset = PairDataset(split.pairs, split.items, product_groups(split.pairs, len(split.catalog)))
    order = training_order(run.options, len(split.pairs), processes.rank, processes.count, first_step)
    return pair_batches(dataset, order, run.options.data.workers, pin=processes.device.type == "cuda")


def _write_records(run: TrainingRun, command: str) -> None:
    folder = run.folder
    write_text(folder.options, write_options(run.options))
    write_json(folder.environment, environment(run.processes))
    with writing(folder.root):
        folder.checkpoints.mkdir(parents=True, exist_ok=True)
        with folder.command.open("a", encoding="utf-8") as commands:
            print(command, file=commands)


def _opening(run: TrainingRun, state: TrainState, resumed: Path | None) -> str:
    options, train_split, val_split = run.options, run.train_split, run.val_split
    millions = sum(parameter.numel() for parameter in state.model.parameters()) / 1e6
    start = f"goes on from {resumed}" if resumed is not None else "starts"
    return (
        f"{options.name} {start} at step {state.step} of {options.train.steps}: {millions:.2f} M parameters, "
        f"{len(train_split.pairs)} training pairs of {len(train_split.catalog)} items, "
        f"{len(val_split.pairs)} validation pairs of {len(val_split.catalog)} items, "
        f"{run.processes.count} process(es) on {run.processes.device.type}"
    )


def _result(folder: RunFolder, processes: Processes) -> TrainingResult:
    checkpoint = best_checkpoint(folder.checkpoints)
    assert checkpoint is not None, "the last step is always evaluated and saved"
    state = read_state(checkpoint)
    assert state.evaluation is not None, "the best checkpoint is one that was evaluated"
    if processes.is_first:
        # Again, since a run may have been killed between the best checkpoint and its record.
        write_json(folder.result, result_record(state.step, state.evaluation))
    return TrainingResult(folder, checkpoint, state.step, state.evaluation)
