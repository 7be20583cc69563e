"""How a process gets memory from the system."""

import ctypes
import os

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Parameters of mallopt(3), from malloc.h."""

KEEPING = {
    "MALLOC_MMAP_THRESHOLD_": (MMAP_THRESHOLD, 1 << 30),
    "MALLOC_TRIM_THRESHOLD_": (TRIM_THRESHOLD, -1),
    "MALLOC_TOP_PAD_": (TOP_PAD, 1 << 28),
}
"""Settings of glibc's malloc, in bytes (-1: give nothing back unasked), by the variable that a user may set."""


def keep_freed_memory() -> None:
    """Have this process use the memory of freed tensors again, and processes that are forked from it.

    Otherwise glibc gives each large block back, and the system clears every page of the next one anew. What the
    environment already sets stays, and so do other allocators.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return
    for name, (parameter, value) in KEEPING.items():
        if name not in os.environ:
            set_option(parameter, value)
