"""Commands of run.sh in this process, for tests that need not start another."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple
from unittest import mock

from scripts.__main__ import main


class Ended(NamedTuple):
    """How a command ended and what it printed."""

    status: int
    stdout: str
    stderr: str


def run_command(*arguments: object) -> Ended:
    """Run `bash run.sh ARGUMENT ...` in this process and the current folder."""
    out, err = StringIO(), StringIO()
    argv: Sequence[str] = ["run.sh", *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            status = 0
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    return Ended(status, out.getvalue(), err.getvalue())
