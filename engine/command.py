"""What the commands train.py and predict.py have in common: arguments, options, processes and endings."""

import argparse
import gc
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data.hub import go_offline_without_hub
from engine.experiment import ExperimentOptions
from engine.launch import STOPPED
from options.errors import UserError, exit_on_user_error
from options.read import read_options

if TYPE_CHECKING:
    from engine.distributed import Processes
    from engine.stop_request import StopRequest

SECONDS_HELD_BACK = 3.0

REFUSED = "can't allocate memory"
"""How torch words it where memory of the CPU is refused, as a plain RuntimeError."""

EPILOG = """\
Every option, its type, default and meaning: options/REFERENCE.md.
Any option can be overridden: section.key=value, such as train.steps=500 data.workers=0 model.text_encoder=null.
"""

Action = Callable[[ExperimentOptions, str, "Processes", "StopRequest"], None]
"""What a command does with its options, the text of its command line, its processes, and the request to stop."""


def run_command(description: str, action: Action, arguments: Sequence[str] | None = None) -> None:
    """Do as run_action with the option file and the overrides of a command line."""
    parser = argparse.ArgumentParser(
        description=description, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("option_file", type=Path, metavar="OPTION_FILE", help="YAML file, such as options/demo.yml")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="an option in place of the file's")
    parser.add_argument("--check", action="store_true", help="check the options and do nothing else")
    parsed = parser.parse_intermixed_args(arguments)
    run_action(action, parsed.option_file, parsed.overrides, parsed.check)


def run_action(
    action: Action, option_file: Path, overrides: Sequence[str], check: bool = False, connected: bool = True
) -> None:
    """Read the options and act on them, or only check them; unconnected processes do not talk to each other.

    Raises SystemExit with status 2 and a message on a UserError, with status 75 where the action was asked to stop.
    """
    # Until there is something to save, Ctrl-C ends the command as any other, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with exit_on_user_error():
        with _cause_speaks_first():
            options = read_options(ExperimentOptions, option_file, overrides)
        if check:
            return
        go_offline_without_hub(options.hub_names)
        # torch takes seconds to import, which wrong options and --help need not wait for.
        with fast_import():
            from engine.distributed import started_processes
            from engine.stop_request import StoppedError, stop_on_signals

        command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
        with (
            stop_on_signals() as stop,
            _cause_speaks_first(lambda: stop.made),
            started_processes(connected) as processes,
        ):
            try:
                with memory_faults():
                    action(options, command, processes, stop)
            except StoppedError as stopped:
                if processes.is_first:
                    print(f"stopped: {stopped}", file=sys.stderr)
                raise SystemExit(STOPPED) from None


@contextmanager
def _cause_speaks_first(told_to_end: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Among several processes, hold back a fault that may follow from another's, which then ends all of them.

    A fault of the user's files mostly occurs in every process, and the first one tells it; a lost connection
    occurs where another process has ended. If torchrun has told this one to end meanwhile, it does so in silence.
    """
    try:
        yield
    except Exception as error:
        several = os.environ.get("WORLD_SIZE", "1") != "1"
        if several and not (isinstance(error, UserError) and os.environ.get("RANK") == "0"):
            time.sleep(SECONDS_HELD_BACK)
            if told_to_end():
                raise SystemExit(128 + signal.SIGTERM) from None
        raise


@contextmanager
def memory_faults() -> Iterator[None]:
    """Say what to change where memory runs out; raises UserError in place of what torch and Python raise."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and REFUSED not in str(error):
            raise
        reason = next(iter(str(error).splitlines()), "") or "the system has none left"
        raise UserError(
            f"out of memory: {reason}. In training halve train.batch_size and double train.accumulate, set "
            "train.activation_checkpointing=true, or take bfloat16; in validation and prediction lower "
            "evaluate.batch_size; on the CPU also lower data.workers."
        ) from error


@contextmanager
def fast_import() -> Iterator[None]:
    """Keep the garbage collector, which finds nothing there, from looking through what is imported, then and later."""
    gc.disable()
    try:
        yield
    finally:
        # What is frozen is not looked through again, so that forked loader processes go on sharing it.
        gc.freeze()
        gc.enable()
