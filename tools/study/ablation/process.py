"""A command in a process of its own, which gets the signals that this one gets."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from engine.launch import end_with_parent

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""Those by which training is asked to save and stop."""


def run_forwarding_signals(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; return its exit status, 128 + N where signal N ended it."""
    # In a session of its own it gets Ctrl-C once, from here: a second one would end it without saving.
    with subprocess.Popen(
        command, env=environment, start_new_session=True, preexec_fn=end_with_parent
    ) as process, _forwarded_to(process):  # fmt: skip
        status = process.wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _forwarded_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    before = {number: signal.signal(number, lambda sent, _: process.send_signal(sent)) for number in FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
