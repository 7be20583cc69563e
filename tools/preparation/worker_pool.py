"""Worker processes in which one task's crash costs that task alone."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import NamedTuple, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerFailure(NamedTuple):
    """A task that ended its worker process, and how."""

    reason: str


class _Worker(NamedTuple):
    process: BaseProcess
    connection: Connection


def run_isolated(
    work: Callable[[Task], Result], tasks: Iterable[Task], *, processes: int, time_limit: float = 120.0
) -> Iterator[tuple[Task, Result | WorkerFailure]]:
    """Yield each task with its result, in the order of completion.

    A task whose worker process dies (segmentation fault, killed for memory, an exception that escapes
    work) or that takes longer than time_limit seconds yields a WorkerFailure; a new worker takes over.
    Each worker has one task at a time, so that it is known whose crash it was.
    """
    source = iter(tasks)
    workers: list[_Worker] = []
    under_way: dict[_Worker, tuple[Task, float]] = {}

    def give_next(worker: _Worker) -> None:
        for task in islice(source, 1):
            under_way[worker] = task, time.monotonic() + time_limit
            with suppress(BrokenPipeError, ConnectionResetError):  # it died; reading from it says how
                worker.connection.send(task)

    try:
        for _ in range(processes):
            workers.append(_start(work))
            give_next(workers[-1])
        while under_way:
            readable = wait([worker.connection for worker in under_way], timeout=0.5)
            for worker, (task, deadline) in list(under_way.items()):
                answer: Result | WorkerFailure
                if worker.connection in readable:
                    try:
                        answer = worker.connection.recv()
                    except (EOFError, ConnectionResetError):
                        answer = _how_it_ended(worker.process)
                elif time.monotonic() > deadline:
                    answer = WorkerFailure(f"took longer than {time_limit:g} s")
                else:
                    continue
                del under_way[worker]
                if isinstance(answer, WorkerFailure):
                    _stop(worker)
                    workers.remove(worker)
                    worker = _start(work)
                    workers.append(worker)
                give_next(worker)
                yield task, answer
    finally:
        for worker in workers:
            _stop(worker)


def _start(work: Callable[[Task], Result]) -> _Worker:
    # Forked, since a run of a few hundred pictures should not wait for imports.
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(work, theirs, ours), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(work: Callable[[Task], Result], connection: Connection, parents_end: Connection) -> None:
    # Else the end of the parent would go unnoticed. The ends of earlier workers' pipes close with this process.
    parents_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
        while True:
            connection.send(work(connection.recv()))


def _how_it_ended(process: BaseProcess) -> WorkerFailure:
    process.join()
    exit_code = process.exitcode or 0
    how = f"signal {signal.Signals(-exit_code).name}" if exit_code < 0 else f"exit status {exit_code}"
    return WorkerFailure(f"ended its process: {how}")


def _stop(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.kill()
    worker.process.join()
