"""How processes get memory from the system."""

import os

KEEPING = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 28),
}
"""Settings of glibc's malloc, in bytes; other allocators pass over them."""


def keep_freed_memory() -> None:
    """Have processes that are started from now on use the memory of freed tensors again.

    Otherwise glibc gives each large block back, and the system clears every page of the next one anew. What the
    environment already sets stays.
    """
    for name, value in KEEPING.items():
        os.environ.setdefault(name, value)
