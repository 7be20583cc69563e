"""Importing large packages faster."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
