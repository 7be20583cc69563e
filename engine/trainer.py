"""A training run from its options to its result."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from data.named_attributes import unread_names
from data.split_overlap import listing_rows, overlap_message
from engine.after_step import AfterStep
from engine.checkpoint import best_checkpoint, read_state
from engine.dashboard import check_dashboards, open_dashboards
from engine.decider import fit_decider
from engine.decider_file import write_decider
from engine.disk import sole_user
from engine.distributed import Processes
from engine.encode import encoding_plan
from engine.evaluator import MOST_PAIRS, Evaluation
from engine.experiment import ExperimentOptions
from engine.known_features import with_known_features
from engine.pair_scores import read_validation_scores
from engine.run_folder import RunFolder, run_folder
from engine.run_identity import run_identity
from engine.run_log import RunLog
from engine.run_records import BlankImages, read_blank_ids, write_result, write_start_records
from engine.stop_request import StopRequest
from engine.train_loop import train
from engine.training import TrainingRun, TrainState, load_splits, training_batches, use_deterministic_algorithms
from engine.training_model import data_parallel
from engine.training_start import Start, start_training
from engine.trivial_baselines import baseline_warning
from models.item_encoder import ItemEncoder
from options.errors import UserError


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
    options = options.prepared()
    if options.deterministic:
        use_deterministic_algorithms()
    folder = run_folder(options.name)
    train_split, val_split = load_splits(options)
    unread = unread_names(train_split.catalog, options.data.text, options.reads)
    may_overlap = options.data.on_split_overlap == "warn"
    overlap = overlap_message(train_split, val_split, may_overlap)
    if overlap is not None and not may_overlap:
        raise UserError(overlap)
    identity = run_identity(options, train_split, val_split, processes)
    listing = listing_rows(train_split.catalog, options.reads.image)
    run = TrainingRun(options, folder, train_split, val_split, listing, identity, processes, stop or StopRequest())
    with sole_user(folder.lock, "trains") if processes.is_first else nullcontext():
        start = start_training(run)
        run, state, warnings = start.run, start.state, [*unread, *start.warnings]
        if len(val_split.pairs) > MOST_PAIRS:
            warnings.append(
                f"F1 is logged without its interval, as there are more than {MOST_PAIRS:,} validation pairs"
            )
        if overlap is not None:
            warnings.append(overlap)
        if processes.is_first:
            write_start_records(run, command)
        dashboards = open_dashboards(options, folder, state.step) if processes.is_first else ()
        with RunLog(folder, state.step, options.train.steps, dashboards, processes.is_first) as log:
            log.line(_opening(start))
            for warning in warnings:
                log.line(f"warning: {warning}")
            _train(run, state, log, start.stale)
            estimated = None
            if options.predict.decider is not None:
                estimated = _fit_second_stage(run, state.model.item_encoder, log)
            if processes.is_first:
                _compare_with_baselines(run, estimated, log)
        return _result(folder, processes)


def _train(run: TrainingRun, state: TrainState, log: RunLog, stale: list[Path]) -> None:
    known_blank = read_blank_ids(run.folder) if state.step else {}
    blank_images = BlankImages(run.train_split.catalog, known_blank)
    after_step = AfterStep(run, state, log, blank_images)
    for checkpoint in stale:
        after_step.evaluate_anew(checkpoint)
    if not stale:
        after_step.finish_evaluation()
    batches = blank_images.watch(training_batches(run, state.step))
    module = data_parallel(state.model, run.processes)
    train(state, module, batches, run.options.train, run.options.seed, run.processes, after_step)


def _fit_second_stage(run: TrainingRun, encoder: ItemEncoder, log: RunLog) -> float | None:
    """Fit the decider of the best checkpoint and write it beside that, in the first process; return its F1 there."""
    plan = encoding_plan(run.options, run.options.train.precision, run.processes.device)
    train_split, val_split = (
        split
        if split.items.known is not None
        else with_known_features(split, encoder, None, plan, run.processes, "second stage", run.stop)
        for split in (run.train_split, run.val_split)
    )
    if not run.processes.is_first:
        return None
    checkpoint = best_checkpoint(run.folder.checkpoints)
    assert checkpoint is not None, "the last step is always evaluated and saved"
    margins = read_validation_scores(checkpoint).margin
    decider = fit_decider(encoder, train_split, val_split, margins, run.options.seed)
    write_decider(checkpoint, decider)
    estimated = decider.estimated_f1
    told = f"validation F1 {estimated:.4f} (cross-validated)" if estimated is not None else "too few validation pairs"
    factors = f"factors of the trees {decider.blend.of_trees:.3f}, of the margin {decider.blend.of_margin:.3f}"
    log.line(f"second stage of {checkpoint.name}: {told}; {factors}")
    return estimated


def _compare_with_baselines(run: TrainingRun, estimated: float | None, log: RunLog) -> None:
    """Warn where the best checkpoint, or its second stage where that has an F1, is below what needs no training."""
    checkpoint = best_checkpoint(run.folder.checkpoints)
    assert checkpoint is not None, "the last step is always evaluated and saved"
    figures = read_state(checkpoint).evaluation
    assert figures is not None, "the best checkpoint is one that was evaluated"
    if estimated is not None:
        reached, figure = estimated, "F1 of the second stage"
    elif run.options.predict.threshold == "learned":
        reached, figure = figures.f1, "F1 at the learned threshold"
    else:
        reached, figure = figures.best_possible_f1, "best possible F1"
    warning = baseline_warning(run.train_split, run.val_split, reached, figure)
    if warning is not None:
        log.line(f"warning: {warning}")


def _opening(start: Start) -> str:
    run, state, resumed = start.run, start.state, start.resumed
    options, train_split, val_split = run.options, run.train_split, run.val_split
    parameters = [*state.model.parameters()]
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    millions, in_training = (f"{sum(map(Tensor.numel, some)) / 1e6:.2f} M" for some in (parameters, trained))
    are_trained = f" ({in_training} of them trained)" if in_training != millions else ""
    repeated = len(run.listing) - len(np.unique(run.listing))
    others = f" ({repeated} of them the listing of another under a second id)" if repeated else ""
    beginning = f"goes on from {resumed}" if resumed is not None else "starts"
    return (
        f"{options.name} {beginning} at step {state.step} of {options.train.steps}: {millions} "
        f"parameters{are_trained}, "
        f"{len(train_split.pairs)} training pairs of {len(train_split.catalog)} items{others}, "
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
        write_result(folder, state.step, state.evaluation)
    return TrainingResult(folder, checkpoint, state.step, state.evaluation)
