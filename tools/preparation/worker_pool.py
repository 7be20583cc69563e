"""Worker processes in which one task's crash costs that task alone."""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from typing import Generic, NamedTuple, TypeVar, cast

Task = TypeVar("Task")
Result = TypeVar("Result")

# One task in work and one at hand, so that a worker never waits for the parent.
_TASKS_AHEAD = 2


class WorkerFailure(NamedTuple):
    """A task that ended its worker process, and how."""

    reason: str


@dataclass(slots=True)
class _Worker(Generic[Task]):
    process: BaseProcess
    connection: Connection
    ready: bool = False
    sent: deque[Task] = field(default_factory=deque)
    """Tasks without an answer yet; the first is in work."""
    since: float = field(default_factory=time.monotonic)
    """Seconds on the monotonic clock when the first task's work began."""


def run_isolated(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    processes: int,
    time_limit: float = 120.0,
) -> Iterator[tuple[Task, Result | WorkerFailure]]:
    """Yield each task with its result, in the order of completion.

    A task whose worker process dies (segmentation fault, killed for memory, an exception that escapes
    work) or that takes longer than time_limit seconds yields a WorkerFailure; a new worker takes over.

    Args:
        work: a function of a module, so that another process can import it.
        tasks: read lazily.
        processes: number of worker processes.
        time_limit: seconds a task may take.

    Raises:
        RuntimeError: a worker process died before its first task.
    """
    source = iter(tasks)
    again: deque[Task] = deque()
    workers: list[_Worker[Task]] = []
    try:
        for _ in range(processes):
            workers.append(_start(work, workers))
        while True:
            for worker in workers:
                _feed(worker, again, source)
            busy = [worker for worker in workers if worker.sent]
            if not busy:
                return
            readable = wait([worker.connection for worker in busy], timeout=0.5)
            for worker in busy:
                answer: Result | WorkerFailure | None = None
                if worker.connection in readable:
                    answer = _receive(worker)
                elif worker.ready and time.monotonic() - worker.since > time_limit:
                    worker.process.kill()
                    answer = WorkerFailure(f"took longer than {time_limit:g} s")
                if answer is None:
                    continue
                task = worker.sent.popleft()
                worker.since = time.monotonic()
                if isinstance(answer, WorkerFailure):
                    again.extend(worker.sent)
                    _stop(worker)
                    workers.remove(worker)
                    workers.append(_start(work, workers))
                yield task, answer
    finally:
        for worker in workers:
            _stop(worker)


def _start(work: Callable[[Task], Result], others: Sequence[_Worker[Task]]) -> _Worker[Task]:
    # Forked where that exists: a run of a few hundred pictures should not wait for imports.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = cast(SpawnContext, multiprocessing.get_context(method))  # typed as the base class without Process
    ours, theirs = context.Pipe()
    inherited = [ours, *(worker.connection for worker in others)] if method == "fork" else []
    process = context.Process(target=_serve, args=(work, theirs, inherited), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(work: Callable[[Task], Result], connection: Connection, inherited: list[Connection]) -> None:
    # While a worker holds the parent's ends of pipes, the others would not notice the parent's end.
    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    try:
        connection.send(None)
        while True:
            connection.send(work(connection.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone


def _feed(worker: _Worker[Task], again: deque[Task], source: Iterator[Task]) -> None:
    while len(worker.sent) < _TASKS_AHEAD:
        if again:
            task = again.popleft()
        else:
            try:
                task = next(source)
            except StopIteration:
                return
        if not worker.sent:
            worker.since = time.monotonic()
        worker.sent.append(task)
        try:
            worker.connection.send(task)
        except (BrokenPipeError, ConnectionResetError):
            return  # it died; reading from it says how


def _receive(worker: _Worker[Task]) -> Result | WorkerFailure | None:
    """Return the answer to the first task sent, or None where the worker only reported for duty."""
    try:
        answer: Result | None = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        if not worker.ready:
            raise RuntimeError("a worker process died before its first task; see its error above") from None
        return WorkerFailure(_cause_of_death(worker.process.exitcode or 0))
    if worker.ready:
        return answer
    worker.ready = True
    worker.since = time.monotonic()
    return None


def _cause_of_death(exit_code: int) -> str:
    if exit_code < 0:
        return f"ended its process: signal {signal.Signals(-exit_code).name}"
    return f"ended its process: exit status {exit_code}"


def _stop(worker: _Worker[Task]) -> None:
    worker.connection.close()
    worker.process.kill()
    worker.process.join()
