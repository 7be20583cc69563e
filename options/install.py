"""How what is missing is installed."""

import shlex
import sys


def install_command(what: str) -> str:
    """Return the command that installs a package, or `-r FILE`, for the Python that runs, whichever pip is at hand."""
    return f"{shlex.quote(sys.executable)} -m pip install {what}"
