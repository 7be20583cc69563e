"""A step whose loss or gradient was not finite, done again and looked at."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from data.loading import Split, load_split
from data.pair_dataset import PairDataset, product_groups
from data.split_overlap import listing_rows
from engine.checkpoint import load_train_state
from engine.disk import read_json
from engine.distributed import Processes, from_every
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import checkpoint_options
from engine.non_finite import REPORT, Report, replay_command
from engine.training import TrainState, seed_everything, training_order, use_deterministic_algorithms
from engine.training_start import fresh_state
from models.item_encoder import with_random_weights
from options.errors import UserError


@dataclass(frozen=True, slots=True)
class BatchReplay:
    """What a batch gave when it was done again."""

    process: int
    batch: int
    """Of those that are accumulated."""
    loss: float
    gradient_norm: float
    first_module: str | None
    """The first whose output was not finite."""
    parameters: tuple[str, ...]
    """Those whose gradient was not finite."""
    pairs: tuple[tuple[str, str], ...]
    """Item ids of the pairs whose margin was not finite."""
    largest_output: float
    """Absolute value, of the outputs that are finite."""
    largest_module: str


def replay_step(folder: Path, processes: Processes) -> list[BatchReplay]:
    """Do the step of a non_finite folder again, from the state before it, without changing anything.

    Raises UserError for a folder that is none, data that are gone, and another number of processes.
    """
    report = read_json(folder / REPORT, Report, "it takes the folder of a step that was not finite")
    if report is None:
        raise UserError(
            f"{folder}: no folder that a step which was not finite left behind (experiments/<name>/non_finite)"
        )
    if report.processes != processes.count:
        raise UserError(f"{folder}: ran on {report.processes} processes: {replay_command(folder, report.processes)}")
    checkpoint = folder / report.checkpoint
    options = checkpoint_options(checkpoint)
    if options.deterministic:
        use_deterministic_algorithms()
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    state = fresh_state(options, with_random_weights(options.model), split, processes)
    load_train_state(checkpoint, state, processes)
    own = list(_replayed(options, split, state, processes))
    return [replay for replays in from_every(own) for replay in replays]


def _replayed(
    options: ExperimentOptions, split: Split, state: TrainState, processes: Processes
) -> Iterator[BatchReplay]:
    order = training_order(options, len(split.pairs), processes.rank, processes.count, state.step, split.pairs.same)
    products = product_groups(split.pairs, listing_rows(split.catalog, options.reads.image))
    dataset = PairDataset(split.pairs, split.items, products)
    seed_everything(options.seed, state.step, processes.rank)
    for number, pairs in zip(range(options.train.accumulate), order, strict=False):
        batch = dataset[pairs]
        state.optimizer.zero_grad()
        with _watched_outputs(state.model) as outputs:
            result = state.model(batch.to(processes.device))
        loss = result.loss / options.train.accumulate
        torch.autograd.backward(state.scaler.scale(loss))
        gradients = {name: p.grad for name, p in state.model.named_parameters() if p.grad is not None}
        norms = torch.stack([gradient.norm() for gradient in gradients.values()])
        bad_pairs = (~result.score.margin.isfinite()).nonzero().flatten().tolist()
        items = [split.catalog[row].item_id for row in batch.items.item.tolist()]
        finite = {name: value for name, value in outputs.items() if value is not None}
        largest = max(finite, key=finite.__getitem__, default="")
        yield BatchReplay(
            process=processes.rank,
            batch=number,
            loss=float(loss.item()),
            gradient_norm=float(norms.norm().item()),
            first_module=next((name for name, value in outputs.items() if value is None), None),
            parameters=tuple(name for name, gradient in gradients.items() if not gradient.isfinite().all()),
            pairs=tuple((items[int(batch.source[pair])], items[int(batch.target[pair])]) for pair in bad_pairs),
            largest_output=finite.get(largest, 0.0),
            largest_module=largest,
        )


@contextmanager
def _watched_outputs(model: nn.Module) -> Iterator[dict[str, float | None]]:
    """Note the largest absolute output of every module in the order of their ends; None where one is not finite."""
    outputs: dict[str, float | None] = {}

    def note(name: str, module: nn.Module, arguments: object, output: object) -> None:
        if isinstance(output, Tensor) and output.is_floating_point() and output.numel():
            greatest = output.detach().abs().max()
            outputs.setdefault(name, float(greatest.item()) if greatest.isfinite() else None)

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            hooks.enter_context(module.register_forward_hook(partial(note, name)))
        yield outputs


def replay_lines(replays: list[BatchReplay]) -> list[str]:
    """Say what was found, for people."""
    lines = []
    for replay in replays:
        lines.append(
            f"process {replay.process}, batch {replay.batch}: loss {replay.loss:.6g}, gradient norm "
            f"{replay.gradient_norm:.6g}, largest output {replay.largest_output:.3g} of {replay.largest_module}"
        )
        if replay.first_module is not None:
            lines.append(f"  first output that is not finite: {replay.first_module}")
        if replay.pairs:
            lines.append(
                f"  margins not finite: {', '.join(f'{source} and {target}' for source, target in replay.pairs)}"
            )
        if replay.parameters:
            lines.append(f"  gradients not finite: {len(replay.parameters)}, the first of {replay.parameters[0]}")
    if all(replay.first_module is None and not replay.parameters for replay in replays):
        lines.append("all is finite this time: the arithmetic of that machine is not that of this one, or it failed")
    return lines
