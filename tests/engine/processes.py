"""An action in several processes, without torchrun."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import torch
import torch.multiprocessing as multiprocessing
from torch import Tensor

from engine.distributed import Processes, started_processes

# The first backward pass of a process starts threads for the devices that are known then, after which forked processes
# cannot go backward. Exporting a model makes torch know more devices than the CPU, so that pass comes before all tests.
torch.zeros(1, requires_grad=True).backward()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _worker(rank: int, count: int, port: int, action: Callable[[Processes, Path], None], folder: Path) -> None:
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port)
    )
    torch.set_num_threads(1)
    with started_processes() as processes:
        action(processes, folder)


def in_processes(count: int, action: Callable[[Processes, Path], None], folder: Path) -> None:
    """Run an action in several processes, which are forked: they need not import everything again."""
    multiprocessing.start_processes(_worker, (count, free_port(), action, folder), count, start_method="fork")


def run_processes(count: int, action: Callable[[Processes, Path], None], folder: Path) -> list[dict[str, Tensor]]:
    """Run an action, which saves result<rank>.pt, in several processes; return the results by rank."""
    in_processes(count, action, folder)
    return [torch.load(folder / f"result{rank}.pt", weights_only=True) for rank in range(count)]
