"""What is kept of a step whose loss or gradient was not finite: the state before it, and what it was given."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.checkpoint import save_checkpoint
from engine.disk import write_json
from engine.distributed import any_process
from engine.training import TrainingRun, TrainState, training_order
from options.errors import UserError

REPORT = "report.json"
NUM_NAMED = 4
"""Pairs that the message names; the report has all."""


@dataclass(frozen=True, slots=True)
class BatchPair:
    """A pair of the step."""

    process: int
    batch: int
    """Of those that are accumulated."""
    pair: int
    """Number in the pair file, from 1, blank lines left out."""
    source: str
    target: str
    same: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What report.json holds."""

    step: int
    """From 1."""
    learning_rate: float
    reason: str
    processes: int
    checkpoint: str
    """Name of the folder beside it that holds the state before the step."""
    pairs: list[BatchPair]


def non_finite_error(run: TrainingRun, state: TrainState, step: int, reason: str, advice: str) -> UserError:
    """Write the state, which is that before step number `step` (from 0), and the step's pairs; return what to tell.

    Every process calls this, the first one writes. The state is of no further use.
    """
    folder = run.folder.non_finite
    pairs = list(_pairs(run, step))
    rate = run.options.train.schedule.learning_rate(run.options.train.optimizer.lr, step)
    state.step = step
    if run.processes.is_first:
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier failure, perhaps of a later step
        # The losses so far are spoilt, and no figure of this step's.
        no_losses = [0.0] * run.processes.count
        checkpoint = save_checkpoint(folder, state, no_losses, run.identity, keep=1)
        report = Report(step + 1, rate, reason, run.processes.count, checkpoint.name, pairs)
        write_json(folder / REPORT, asdict(report))
    # Nobody ends while the first process writes, since torchrun would end it then.
    any_process(False)
    named = ", ".join(f"{pair.source} and {pair.target}" for pair in pairs[:NUM_NAMED])
    more = f" and {len(pairs) - NUM_NAMED} more" if len(pairs) > NUM_NAMED else ""
    return UserError(
        f"{reason} (learning rate {rate:.3g}, pairs of items {named}{more}). The "
        f"state before that step is kept: `{replay_command(folder, run.processes.count)}` shows where it comes from. "
        f"The last checkpoint is whole. {advice}"
    )


def replay_command(folder: Path, num_processes: int) -> str:
    """Return the command that does the step again."""
    return f"NPROC={num_processes} bash run.sh study replay {folder}"


def _pairs(run: TrainingRun, step: int) -> Iterator[BatchPair]:
    """Yield the pairs that a step takes, by process and accumulated batch."""
    catalog, table = run.train_split.catalog, run.train_split.pairs
    assert table.same is not None
    for rank in range(run.processes.count):
        for batch, numbers in zip(
            range(run.options.train.accumulate),
            training_order(run.options, len(table), rank, run.processes.count, step, table.same),
            strict=False,
        ):
            for number in numbers:
                yield BatchPair(
                    process=rank,
                    batch=batch,
                    pair=number + 1,
                    source=catalog[int(table.source[number])].item_id,
                    target=catalog[int(table.target[number])].item_id,
                    same=bool(table.same[number]),
                )
