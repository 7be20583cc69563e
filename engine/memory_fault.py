"""Running out of memory as a fault that the user can mend."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from options.errors import UserError

REFUSED = "can't allocate memory"
"""How torch words it where memory of the CPU is refused, as a plain RuntimeError."""


@contextmanager
def memory_faults() -> Iterator[None]:
    """Say what to change where memory runs out; raises UserError in place of what torch and Python raise."""
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
