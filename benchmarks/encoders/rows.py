"""Rows in processes of their own, so that one that hangs or dies is a row like any other."""

import logging
import os
import signal
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NamedTuple

import torch
from transformers.utils.logging import set_verbosity_error

from benchmarks.encoders.cases import Kind, make_case
from benchmarks.encoders.trial import Row, try_encoder


class _Running(NamedTuple):
    """A row that is being tried."""

    kind: Kind
    name: str
    process: BaseProcess
    receiver: Connection
    end: float
    """When it is given up."""


def rows_of(
    names: Sequence[tuple[Kind, str]], two_processes: bool, onnx: bool, seconds: float, at_once: int
) -> Iterator[Row]:
    """Yield the row of each name as it is ready; one that takes longer than the seconds is ended."""
    if onnx:  # what the exporter makes ready once is made before the processes are forked
        torch.onnx.export(torch.nn.Linear(1, 1), (torch.zeros(1, 1),), dynamo=True, verbose=False)
    waiting = list(reversed(names))
    running: list[_Running] = []
    while waiting or running:
        while waiting and len(running) < at_once:
            running.append(_start(*waiting.pop(), two_processes, onnx, seconds))
        time_left = min(each.end for each in running) - time.monotonic()
        ready = connection.wait([each.receiver for each in running], max(0.0, time_left))
        for each in [each for each in running if each.receiver in ready or each.end <= time.monotonic()]:
            running.remove(each)
            yield _finish(each, seconds)


def row_of(kind: Kind, name: str, two_processes: bool = False, onnx: bool = False) -> Row:
    """Return the row of a name, tried in this process; an exception is part of it."""
    try:
        return try_encoder(make_case(kind, name), two_processes, onnx)
    except Exception as error:  # noqa: BLE001 - that there is none is what is tried
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Row(kind, name, said=f"{type(error).__name__}: {error} ({place.name}, {place.filename}:{place.lineno})")


def _start(kind: Kind, name: str, two_processes: bool, onnx: bool, seconds: float) -> _Running:
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_row, args=(sender, kind, name, two_processes, onnx))
    process.start()
    sender.close()
    return _Running(kind, name, process, receiver, time.monotonic() + seconds)


def _finish(running: _Running, seconds: float) -> Row:
    row = Row(running.kind, running.name, said=f"took more than {seconds:g} seconds")
    try:
        if running.receiver.poll():
            row = running.receiver.recv()
        elif running.process.pid is not None:
            os.killpg(running.process.pid, signal.SIGKILL)
    except EOFError:
        running.process.join()
        row.said = f"its process ended with {running.process.exitcode}"
    running.process.join()
    return row


def _send_row(sender: Connection, kind: Kind, name: str, two_processes: bool, onnx: bool) -> None:
    os.setpgrp()  # so that what it starts ends with it
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    set_verbosity_error()
    warnings.simplefilter("ignore")
    sender.send(row_of(kind, name, two_processes, onnx))
