"""Faults that the user can mend, how a command ends on one, and how what is missing is installed."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from options.printable import printable


class UserError(ValueError):
    """A fault that the user can mend; its message names the place and what to do, and is safe to print."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """End the command with exit status 2 and the message alone, without a traceback, on a UserError.

    Usable as `with exit_on_user_error():` and as the decorator `@exit_on_user_error()`.

    Raises:
        SystemExit: with code 2, in place of a UserError.
    """
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def install_command(what: str) -> str:
    """Return the command that installs a package, or `-r FILE`, for the Python that runs, whichever pip is at hand."""
    return f"{shlex.quote(sys.executable)} -m pip install {what}"
