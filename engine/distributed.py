"""The processes of a run, and what they tell each other; with one process everything answers at once."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from engine.launch import end_with_parent
from options.errors import UserError

T = TypeVar("T")

TIMEOUT = timedelta(minutes=30)
"""How long a process waits for another; the first process scores all pairs while the others wait."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The place of this process among those of the run."""

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0


def this_process() -> Processes:
    """Return this process as the only one, on a GPU if there is any."""
    return Processes(rank=0, count=1, device=_device(0))


@contextmanager
def started_processes(connected: bool = True) -> Iterator[Processes]:
    """Join the processes that torchrun started, on GPUs if there are any; alone without torchrun.

    Unconnected ones only know their places: each goes on whatever becomes of the others, and functions of this
    module answer as if it were alone. Raises UserError for variables that give them no place, and where there are fewer
    GPUs than processes.
    """
    if not connected:
        yield _unconnected()
        return
    count = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    device = _device(int(os.environ.get("LOCAL_RANK", "0")))
    if count > 1 or "LOCAL_WORLD_SIZE" in os.environ:  # torchrun may have started one alone, to start it again
        end_with_parent()
    if count == 1:
        yield Processes(rank, count, device)
        return
    # Tensors on the CPU travel over gloo, those on GPUs over nccl.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield Processes(rank, count, device)
    finally:
        dist.destroy_process_group()


def _unconnected() -> Processes:
    """Return the place of a process among those of PET_NNODES machines, each of which has a torchrun of its own.

    Processes of one machine are that many apart, so that machines may differ in how many they have.
    """
    machines, machine = os.environ.get("PET_NNODES", "1"), os.environ.get("PET_NODE_RANK", "")
    if not machines.isdecimal() or int(machines) == 0:
        raise UserError(f"PET_NNODES should be the number of machines, 1 or more, not {machines!r}")
    if machines == "1":
        machine = machine or "0"
    if not machine.isdecimal() or int(machine) >= int(machines):
        raise UserError(
            f"PET_NODE_RANK should be the number of this machine, 0 to {int(machines) - 1}, not {machine!r}"
        )
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if "LOCAL_WORLD_SIZE" in os.environ:
        end_with_parent()
    return Processes(
        rank=int(machine) + int(machines) * local_rank,
        count=int(machines) * int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        device=_device(local_rank),
    )


def _device(local_rank: int) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise UserError(f"NPROC: more processes on this machine than its {torch.cuda.device_count()} GPU(s)")
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    return device


def any_process(answer: bool) -> bool:
    """Tell every process whether any of them says yes; they wait for each other, not for their GPUs."""
    if not dist.is_initialized():
        return answer
    answers = torch.tensor([answer], dtype=torch.int32)
    dist.all_reduce(answers, dist.ReduceOp.MAX)
    return bool(answers.item())


def from_first(make: Callable[[], T]) -> T:
    """Return to every process what the first one makes; what it raises ends all of them."""
    if not dist.is_initialized():
        return make()
    made: list[T | None] = [make() if dist.get_rank() == 0 else None]
    dist.broadcast_object_list(made, device=torch.device("cpu"))
    return cast(T, made[0])


def copy_from_first(tensor: Tensor) -> None:
    """Overwrite the tensor of every process by that of the first one."""
    if dist.is_initialized():
        dist.broadcast(tensor, 0)


def from_every(own: T) -> list[T]:
    """Return what each process has, in order of rank, to all of them."""
    if not dist.is_initialized():
        return [own]
    everyone: list[T | None] = [None] * dist.get_world_size()
    dist.all_gather_object(everyone, own)
    return cast(list[T], everyone)


def to_first(own: T) -> list[T] | None:
    """Return what each process has, in order of rank, to the first one; None to the others."""
    if not dist.is_initialized():
        return [own]
    everyone: list[T | None] | None = [None] * dist.get_world_size() if dist.get_rank() == 0 else None
    dist.gather_object(own, everyone)
    return cast(list[T] | None, everyone)


def gather_with_gradient(rows: Tensor) -> Tensor:
    """Return the rows (n, ...) of all processes, in order of rank, so that gradients flow back to each owner.

    Every process is expected to compute the same loss from the result. The gradient of a row is the sum over all
    processes, which data-parallel training then divides by their number.
    """
    if not dist.is_initialized():
        return rows
    gathered: Tensor = _GatherWithGradient.apply(rows)
    return gathered


class _GatherWithGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, rows: Tensor) -> Tensor:
        lengths = from_every(len(rows))
        padded = rows.new_zeros((max(lengths), *rows.shape[1:]))
        padded[: len(rows)] = rows
        gathered = [torch.empty_like(padded) for _ in lengths]
        dist.all_gather(gathered, padded)
        ctx.lengths = lengths  # type: ignore[attr-defined]
        return torch.cat([rows[:length] for rows, length in zip(gathered, lengths, strict=True)])

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        own: Tensor = torch.split(total, ctx.lengths)[dist.get_rank()]  # type: ignore[attr-defined]
        return own
