"""Stopping on request: the first signal asks a run to save and end, a second one ends it at once without harm."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from engine.distributed import any_process
from engine.launch import SIGNALS

PATIENCE_SECONDS = 20.0
"""How long an asked process waits for the others to agree: one of them may be gone, and then never will."""


class StoppedError(Exception):
    """Ends a run that was asked to stop; the message says what was kept."""


class StopRequest:
    """Whether the run was asked to stop; every process asks `agreed` at the same places."""

    def __init__(self) -> None:
        self.made = False
        """Whether this process was asked."""
        self.granted = False
        """Whether all processes know of it."""

    def agreed(self) -> bool:
        """Tell every process whether any was asked; all of them have to call this, and wait for each other."""
        self.granted = any_process(self.made) or self.granted
        return self.granted


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn SIGNALS into a request; those that the caller's shell made this process ignore stay ignored."""
    request = StopRequest()
    # torchrun passes signals on to its processes, SLURM sends them to these as well, and Ctrl-C reaches torchrun
    # alone. So here a second signal may be the first once more; whoever wants an end at once tells torchrun again.
    by_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def ask(number: int, frame: FrameType | None) -> None:
        request.made = True
        if not by_torchrun:
            os.write(sys.stderr.fileno(), b"\nstopping; once more to stop at once\n")  # print may not interrupt itself
            for other in SIGNALS:
                signal.signal(other, signal.SIG_DFL)

    if by_torchrun:
        _watch(request)
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, ask)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(request: StopRequest) -> None:
    """End this process when it was asked and the others do not agree in time.

    torchrun asks also where another process has failed. This one then may wait for it inside a library, where no
    Python code runs, so that a thread has to listen, and to a pipe.
    """
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    signal.set_wakeup_fd(sender, warn_on_full_buffer=False)

    def wait() -> None:
        while os.read(receiver, 1)[0] not in SIGNALS:
            pass  # the loader's processes send signals of their own
        time.sleep(PATIENCE_SECONDS)
        if not request.granted:
            os._exit(128 + signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
