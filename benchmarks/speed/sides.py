"""Several ways to do the same work, each in a process of its own, measured in turn."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, get_start_method, set_start_method
from multiprocessing.connection import Connection
from typing import NamedTuple, TypeVar

from tqdm import tqdm

from benchmarks.speed.record import Timing
from tests.endurance.peak_memory import peak_bytes

Result = TypeVar("Result")


class Round(NamedTuple):
    """What a side says of a round."""

    seconds: float
    figures: tuple[float, ...] = ()
    """Whatever else it measured."""


Work = Callable[[], Round]
MakeWork = Callable[[], Work]
"""Prepares the work in the side's own process, outside the measured time; a function of a module, or a partial."""


@dataclass(frozen=True, slots=True)
class SideRounds:
    """All rounds of a side."""

    timing: Timing
    figures: tuple[tuple[float, ...], ...]
    """Of each round."""


class _Answer(NamedTuple):
    result: Round
    peak: int


def timed(work: Callable[[], object]) -> Round:
    """Do the work and say how long it took."""
    started = time.perf_counter()
    work()
    return Round(time.perf_counter() - started)


def interleaved(sides: Mapping[str, MakeWork], rounds: int, threads: int, title: str) -> dict[str, SideRounds]:
    """Do rounds of each side in turn, one at a time: A B A B ...

    Raises RuntimeError where a side's process ends.
    """
    answers: dict[str, list[_Answer]] = {name: [] for name in sides}
    with ExitStack() as stack:
        asks = {name: stack.enter_context(_started(name, make, threads)) for name, make in sides.items()}
        with tqdm(total=rounds * len(sides), desc=title, unit="round", leave=False) as bar:
            for _ in range(rounds):
                for name, ask in asks.items():
                    bar.set_postfix_str(name)
                    answers[name].append(ask())
                    bar.update()
    return {name: _rounds(of_side) for name, of_side in answers.items()}


def in_own_process(function: Callable[[], Result], threads: int, title: str) -> Result:
    """Return what a function returns in a process of its own, which gives its memory back."""
    with _process(title, partial(_answer_once, function), threads) as receive:
        answer: Result = receive()  # type: ignore[assignment]
        return answer


def _rounds(answers: list[_Answer]) -> SideRounds:
    timing = Timing(tuple(answer.result.seconds for answer in answers), max(answer.peak for answer in answers))
    return SideRounds(timing, tuple(answer.result.figures for answer in answers))


@contextmanager
def _started(name: str, make: MakeWork, threads: int) -> Iterator[Callable[[], _Answer]]:
    own, others = get_context("spawn").Pipe()
    with others, _process(name, partial(_answer_rounds, make, others), threads) as receive, own:
        others.close()
        receive()  # it is ready

        def ask() -> _Answer:
            own.send(None)
            answer = receive()
            assert isinstance(answer, _Answer)
            return answer

        yield ask


@contextmanager
def _process(name: str, target: Callable[[Connection], None], threads: int) -> Iterator[Callable[[], object]]:
    """Start a process that sends; give the function that receives, and end the process afterwards."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(threads, get_start_method(), target, sender))
    process.start()
    sender.close()

    def receive() -> object:
        try:
            return receiver.recv()
        except EOFError:
            process.join()
            raise RuntimeError(f"{name}: the process ended with status {process.exitcode}; see above") from None

    try:
        yield receive
    except BaseException:
        process.terminate()
        raise
    finally:
        receiver.close()
    process.join()


def _run(threads: int, start_method: str, target: Callable[[Connection], None], sender: Connection) -> None:
    os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS=str(threads))
    # Else a spawned process spawns its loader's processes, too, and each of them imports everything again.
    set_start_method(start_method, force=True)
    if "torch" in sys.modules:  # it came with the function, and has read its environment already
        import torch

        torch.set_num_threads(threads)
    with sender:
        target(sender)


def _answer_once(function: Callable[[], Result], sender: Connection) -> None:
    sender.send(function())


def _answer_rounds(make: MakeWork, asked: Connection, sender: Connection) -> None:
    work = make()
    sender.send("ready")
    while True:
        try:
            asked.recv()
        except EOFError:  # nobody asks any more
            return
        sender.send(_Answer(work(), peak_bytes()))
