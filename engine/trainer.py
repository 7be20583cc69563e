"""A training run from its options to its result."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from data.jsonl import DataError
from data.loading import Split, load_split, pair_batches
from data.pair_batch import PairBatch
from data.pair_dataset import PairDataset, product_groups
from data.pair_sampler import TrainingOrder
from data.split_overlap import overlap_message
from engine.after_step import AfterStep, result_record
from engine.blank_images import BlankImages
from engine.checkpoint import best_checkpoint, latest_checkpoint, load_train_state, read_state
from engine.dashboard import check_dashboards, open_dashboards
from engine.distributed import Processes
from engine.environment import environment
from engine.evaluator import Evaluation
from engine.experiment import ExperimentOptions
from engine.randomness import seed_everything, use_deterministic_algorithms
from engine.run_folder import RunFolder, run_folder, write_json, write_text
from engine.run_log import RunLog
from engine.train_loop import train
from engine.train_state import TrainState, first_state
from engine.training_model import build_training_model
from engine.weights import load_checkpoint_weights
from models.input_check import check_inputs
from models.item_encoder import build_item_encoder, with_random_weights
from options.errors import UserError
from options.read import write_options


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Where a run's best checkpoint is and what it reached."""

    folder: RunFolder
    checkpoint: Path
    step: int
    evaluation: Evaluation


def run_training(options: ExperimentOptions, command: str, processes: Processes) -> TrainingResult:
    """Train to the last step, from the latest checkpoint of the run folder if there is one.

    Raises UserError for files, options and checkpoints that the user has to mend.
    """
    check_dashboards(options.log)
    if options.deterministic:
        use_deterministic_algorithms()
    folder = run_folder(options.name)
    train_split, val_split = _load_splits(options)
    overlap = _overlap(options, train_split, val_split)
    state = _first_state(options, train_split, processes)
    resumed = latest_checkpoint(folder.checkpoints)
    if resumed is not None:
        load_train_state(resumed, state)
    elif options.model.weights is not None:
        load_checkpoint_weights(Path(options.model.weights), state.model.item_encoder, options.model)
    if processes.is_first:
        _write_records(folder, options, command, processes)
    dashboards = open_dashboards(options, folder, state.step) if processes.is_first else ()
    with RunLog(folder, state.step, options.train.steps, dashboards, processes.is_first) as log:
        log.line(_opening(options, state, train_split, val_split, resumed, processes))
        if overlap is not None:
            log.line(f"warning: {overlap}")
        blank_images = BlankImages(train_split.catalog)
        batches = blank_images.watch(_batches(options, train_split, state.step, processes))
        after_step = AfterStep(options, state, val_split, folder, log, blank_images, processes)
        train(
            state,
            _parallel(state.model, processes),
            batches,
            options.train,
            options.seed,
            processes,
            after_step,
        )
    return _result(folder, processes)


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


def _first_state(options: ExperimentOptions, train_split: Split, processes: Processes) -> TrainState:
    """Build everything with its first weights; those of a checkpoint to come are not fetched in vain."""
    seed_everything(options.seed)
    goes_on = latest_checkpoint(run_folder(options.name).checkpoints) is not None or options.model.weights is not None
    encoder = build_item_encoder(with_random_weights(options.model) if goes_on else options.model)
    if options.train.activation_checkpointing:
        encoder.checkpoint_activations()
    check_inputs(encoder, train_split.items)
    model = build_training_model(encoder, options.loss, options.train.precision).to(processes.device)
    return first_state(model, options.train, processes.device)


def _batches(options: ExperimentOptions, split: Split, first_step: int, processes: Processes) -> Iterator[PairBatch]:
    order = TrainingOrder(
        seed=options.seed,
        num_pairs=len(split.pairs),
        batch_size=options.train.batch_size,
        accumulate=options.train.accumulate,
        rank=processes.rank,
        num_processes=processes.count,
        first_step=first_step,
        last_step=options.train.steps,
    )
    dataset = PairDataset(split.pairs, split.items, product_groups(split.pairs, len(split.catalog)))
    return pair_batches(dataset, order, options.data.workers, pin=processes.device.type == "cuda")


def _parallel(model: nn.Module, processes: Processes) -> nn.Module:
    if processes.count == 1:
        return model
    if processes.device.type == "cuda":
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
    has_statistics = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    return DistributedDataParallel(
        model,
        device_ids=[processes.device] if processes.device.type == "cuda" else None,
        forward_sync_buffers=has_statistics,
        gradient_as_bucket_view=True,
    )


def _write_records(folder: RunFolder, options: ExperimentOptions, command: str, processes: Processes) -> None:
    folder.checkpoints.mkdir(parents=True, exist_ok=True)
    write_text(folder.options, write_options(options))
    write_json(folder.environment, environment(processes))
    with folder.command.open("a", encoding="utf-8") as commands:
        print(command, file=commands)


def _opening(
    options: ExperimentOptions, state: TrainState, train_split: Split, val_split: Split, resumed: Path | None,
    processes: Processes,
) -> str:  # fmt: skip
    millions = sum(parameter.numel() for parameter in state.model.parameters()) / 1e6
    start = f"goes on from {resumed}" if resumed is not None else "starts"
    return (
        f"{options.name} {start} at step {state.step} of {options.train.steps}: {millions:.2f} M parameters, "
        f"{len(train_split.pairs)} training pairs of {len(train_split.catalog)} items, "
        f"{len(val_split.pairs)} validation pairs of {len(val_split.catalog)} items, "
        f"{processes.count} process(es) on {processes.device.type}"
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
