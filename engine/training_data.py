"""The data of a training run: its splits, and which of its pairs come when."""

from collections.abc import Iterator

from data.jsonl import DataError
from data.loading import Split, load_split, pair_batches
from data.pair_batch import PairBatch
from data.pair_dataset import PairDataset, product_groups
from data.pair_sampler import TrainingOrder
from data.split_overlap import overlap_message
from engine.experiment import ExperimentOptions
from engine.training import TrainingRun
from options.errors import UserError


def load_splits(options: ExperimentOptions) -> tuple[Split, Split]:
    """Return the training and the validation split.

    Raises UserError where the options leave one out, and for files that the user has to mend.
    """
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


def overlap_warning(options: ExperimentOptions, train_split: Split, val_split: Split) -> str | None:
    """Return what to warn of where the splits share items; raises UserError where that is to end the run."""
    message = overlap_message(train_split, val_split)
    if message is not None and options.data.on_split_overlap == "error":
        raise UserError(message)
    return message


def training_batches(run: TrainingRun, first_step: int) -> Iterator[PairBatch]:
    """Yield the batches of this process from a step on."""
    split, processes = run.train_split, run.processes
    dataset = PairDataset(split.pairs, split.items, product_groups(split.pairs, len(split.catalog)))
    order = training_order(run.options, len(split.pairs), processes.rank, processes.count, first_step)
    return pair_batches(dataset, order, run.options.data.workers, pin=processes.device.type == "cuda")


def training_order(
    options: ExperimentOptions, num_pairs: int, rank: int, num_processes: int, first_step: int
) -> TrainingOrder:
    """Return which training pairs a process takes, from a step on."""
    return TrainingOrder(
        seed=options.seed,
        num_pairs=num_pairs,
        batch_size=options.train.batch_size,
        accumulate=options.train.accumulate,
        rank=rank,
        num_processes=num_processes,
        first_step=first_step,
        last_step=options.train.steps,
    )
