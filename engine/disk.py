"""Faults of the disk as faults that the user can mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from options.errors import UserError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the file or folder that a full disk or a lost permission keeps from being written.

    Raises UserError in place of OSError and of what safetensors makes of one.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UserError(
            f"{path}: cannot be written: {reason}. What was written before is whole; make room or mend the "
            "permissions, then run the same command again."
        ) from error
