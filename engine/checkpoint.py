"""Checkpoints: folders of safetensors and JSON, written whole or not at all."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from engine.checkpoint_folder import (
    NAME,
    RECORD,
    checkpoint_path,
    delete_old,
    former_path,
    is_checkpoint,
    latest_checkpoint,
)
from engine.checksums import check_files, write_checksums
from engine.disk import read_json, whole_folder, write_json, writing
from engine.distributed import Processes
from engine.evaluator import Evaluation
from engine.pair_scores import VALIDATION, find_validation_scores, write_validation_scores
from engine.precision import OverflowFigures
from engine.run_identity import RunIdentity
from engine.training import TrainState
from models.item_encoder import ItemEncoder
from models.weights import distinct_state, load_exactly, read_safetensors
from options.errors import UserError

FORMAT = 3
ENCODER, TRAINING, STATE = "item_encoder.safetensors", "training.safetensors", RECORD


@dataclass(frozen=True, slots=True)
class CheckpointState:
    """What a checkpoint says besides its tensors."""

    format: int
    step: int
    loss_sums: tuple[float, ...]
    """Of each process, since the last log line."""
    best_step: int | None
    """Step of the best evaluation so far."""
    best_f1: float
    evaluation: Evaluation | None
    evaluation_due: bool
    """Whether this step's evaluation was broken off, so that a resumed run begins with it."""
    scaler: Mapping[str, int | float]
    """Scale, factors and counters of the gradient scaler; torch insists on ints for the latter."""
    overflow: OverflowFigures
    run: RunIdentity
    loss_steps: int | None = None
    """Steps that loss_sums are of; checkpoints of earlier versions lack it."""


def save_checkpoint(folder: Path, state: TrainState, loss_sums: Sequence[float], run: RunIdentity, keep: int) -> Path:
    """Write the checkpoint of a step, whole or not at all, and delete those not kept; return its path.

    `loss_sums` are those of all processes, by rank; the rest of the state is the same in all of them.
    Raises UserError where the disk is full or may not be written; what was there before is whole.
    """
    target = checkpoint_path(folder, state.step)
    record = CheckpointState(
        format=FORMAT,
        step=state.step,
        loss_sums=tuple(loss_sums),
        best_step=state.best_step,
        best_f1=state.best_f1,
        evaluation=state.evaluation,
        evaluation_due=state.evaluation_due,
        scaler=state.scaler.state_dict(),
        overflow=state.overflow.read(),
        run=run,
        loss_steps=state.loss_steps,
    )
    with writing(target):
        # A folder of the user's own that has the name is not put out of the way.
        with whole_folder(target, former=former_path(target) if is_checkpoint(target) else None) as temporary:
            _write_files(temporary, state, record)
        best = [] if state.best_step is None else [checkpoint_path(folder, state.best_step)]
        delete_old(folder, keep, target, *best)
    return target


def _write_files(folder: Path, state: TrainState, record: CheckpointState) -> None:
    write_json(folder / STATE, asdict(record))
    for file_name, tensors in (
        (ENCODER, distinct_state(state.model.item_encoder)),
        (TRAINING, _training_tensors(state)),
    ):
        on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(on_cpu, folder / file_name)
    if state.validation is not None:
        write_validation_scores(folder / VALIDATION, state.validation)
    write_checksums(folder)


def best_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the best evaluation, if there is any; raises UserError where the latest is damaged."""
    latest = latest_checkpoint(folder)
    best_step = read_state(latest).best_step if latest is not None else None
    best = checkpoint_path(folder, best_step) if best_step is not None else None
    return best if best is not None and best.is_dir() else None


def read_state(checkpoint: Path) -> CheckpointState:
    """Read what a checkpoint says besides its tensors; raises UserError for one that is damaged."""
    file = checkpoint / STATE
    if file.is_file():
        check_files(checkpoint, [STATE])
    record = read_json(file, CheckpointState, fault="damaged or no checkpoint")
    if record is None:
        raise UserError(f"{file}: no such checkpoint file")
    if record.format != FORMAT:
        raise UserError(
            f"{file}: format {record.format} is not {FORMAT}, which is read here; one of format 2, from before there "
            f"was model.head, goes on with its own version, or gives its weights alone: {file.with_name(ENCODER)} as "
            "a checkpoint, or as model.weights, with an option file of this version"
        )
    if NAME.fullmatch(checkpoint.name) and checkpoint.name != checkpoint_path(checkpoint, record.step).name:
        raise UserError(f"{file}: is of step {record.step} and not of that in its folder's name: rename the copy")
    return record


def load_item_encoder(checkpoint: Path, encoder: ItemEncoder) -> None:
    """Load the encoder's weights; raises UserError naming every tensor that does not fit."""
    load_exactly(encoder, read_safetensors(checkpoint / ENCODER), str(checkpoint / ENCODER))


def load_train_state(checkpoint: Path, state: TrainState, processes: Processes) -> None:
    """Bring a freshly built state to where the checkpoint was written."""
    record = read_state(checkpoint)
    load_item_encoder(checkpoint, state.model.item_encoder)
    tensors = read_safetensors(checkpoint / TRAINING)
    origin = str(checkpoint / TRAINING)
    surplus = [name for name in tensors if not name.startswith(("loss.", "optimizer."))]
    if surplus:
        raise UserError(f"{origin}: no training state of ours: surplus {', '.join(surplus)}")
    load_exactly(state.model.loss, _part(tensors, "loss."), origin)
    _load_optimizer(state, _part(tensors, "optimizer."), origin)
    if record.scaler:  # empty where the run went without one until now
        state.scaler.load_state_dict(dict(record.scaler))
    state.step, state.best_step, state.best_f1 = record.step, record.best_step, record.best_f1
    state.evaluation, state.evaluation_due = record.evaluation, record.evaluation_due
    state.validation = find_validation_scores(checkpoint)
    if len(record.loss_sums) == processes.count:
        state.loss_sum.fill_(record.loss_sums[processes.rank])
    else:  # what is logged is their mean
        state.loss_sum.fill_(math.fsum(record.loss_sums) / len(record.loss_sums))
    state.loss_steps = record.loss_steps if record.loss_steps is not None else _loss_steps_before(record)
    state.overflow.restore(record.overflow)


def _loss_steps_before(record: CheckpointState) -> int:
    """Return how many steps there were since the last log line, by the interval of the run."""
    train = record.run.options["train"]
    log_every = train.get("log_every") if isinstance(train, dict) else None
    return record.step % log_every if isinstance(log_every, int) else 0


def _training_tensors(state: TrainState) -> dict[str, Tensor]:
    tensors = {f"loss.{name}": tensor for name, tensor in state.model.loss.state_dict().items()}
    for name, parameter in state.model.named_parameters():
        for key, value in state.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = value
    return tensors


def _load_optimizer(state: TrainState, tensors: Mapping[str, Tensor], origin: str) -> None:
    trained = {name: parameter for name, parameter in state.model.named_parameters() if parameter.requires_grad}
    numbers = {name: number for number, name in enumerate(trained)}
    slots: dict[int, dict[str, Tensor]] = {}
    for full_name, tensor in tensors.items():
        key, _, name = full_name.partition(".")
        if name not in trained:
            raise UserError(f"{origin}: holds optimizer state of {name}, which the model of the options lacks")
        if tensor.ndim and tensor.shape != trained[name].shape:
            raise UserError(f"{origin}: {full_name} of the optimizer has not the shape of its weight")
        slots.setdefault(numbers[name], {})[key] = tensor
    keys = {key for slot in slots.values() for key in slot}
    missing = [f"{key}.{name}" for name, n in numbers.items() if n in slots for key in sorted(keys - slots[n].keys())]
    if missing:
        raise UserError(f"{origin}: the optimizer's state lacks {', '.join(missing)}")
    state.optimizer.load_state_dict({"state": slots, "param_groups": state.optimizer.state_dict()["param_groups"]})


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
