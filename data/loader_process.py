"""How loader processes are started, and which signals they obey: their parent's alone."""

import ctypes
import os
import signal
import threading

OF_THE_USER = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


def obey_the_parent_alone(worker: int) -> None:
    """Go on loading when Ctrl-C or SLURM signals all processes, so that the parent can finish its step.

    The parent's own SIGTERM, which ends what is left of the loader with the parent, still ends this process.
    """
    for number in OF_THE_USER:
        signal.signal(number, signal.SIG_IGN)
    if not hasattr(signal, "sigwaitinfo"):  # macOS does not tell who sent a signal
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_wait_for_the_parents_word, args=(os.getppid(),), daemon=True).start()


def _wait_for_the_parents_word(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)


def give_back_freed_memory() -> None:
    """Give the memory of freed tensors back to the system, where the allocator can, before a process is forked.

    Pages that two processes hold are copied when one of them writes there, which takes far longer than a fresh page.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
