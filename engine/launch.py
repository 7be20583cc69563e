"""Start a command on one or several processes: python -m engine.launch train.py OPTION_FILE ...

With one process the command is run as it is; with several it is run by torchrun, once the options are found right.
NPROC is the number of processes on this machine (all GPUs, or 1 on the CPU). Several machines: the environment
variables of torchrun, such as PET_NNODES, PET_NODE_RANK, PET_MASTER_ADDR; PET_MAX_RESTARTS works on one as well.
With --apart before the command, PET_NNODES and PET_NODE_RANK are all: no machine's torchrun knows of the others.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from options.errors import UserError, exit_on_user_error

# This process imports no torch for a wrong option, so what engine.stop_request has in common with it is here.
STOPPED = 75
"""Exit status of a run that stopped on request: the same command goes on (EX_TEMPFAIL of sysexits.h)."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""What asks to stop, passed on by torchrun: of kill, docker and SLURM; of Ctrl-C; of a closed terminal; of SLURM's
--signal=USR1@120."""

SECONDS_TO_SAVE = 600
"""How long torchrun waits after a signal before it kills; whoever sent the signal may wait less long."""

MALLOC_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 28),
}
"""Settings of glibc's malloc, in bytes; other allocators pass over them."""

PR_SET_PDEATHSIG = 1
"""Of linux/prctl.h."""


@exit_on_user_error()
def main() -> None:
    """Run the command of sys.argv; ends with its exit status."""
    apart = sys.argv[1] == "--apart"
    command = sys.argv[2:] if apart else sys.argv[1:]
    among_machines = "PET_NNODES" in os.environ and not apart
    keep_freed_memory()
    alone = _num_processes() == 1 and not among_machines and "PET_MAX_RESTARTS" not in os.environ
    if alone or {"-h", "--help"} & {*command}:
        os.execv(sys.executable, [sys.executable, *command])
    check = subprocess.run([sys.executable, *command, "--check"], check=False)
    if check.returncode:
        sys.exit(check.returncode)
    sys.exit(_torchrun(command, _num_processes(), among_machines))


def _num_processes() -> int:
    named = os.environ.get("NPROC", "")
    if named:
        if not named.isdecimal() or int(named) == 0:
            raise UserError(f"NPROC should be a number of processes, 1 or more, not {named!r}")
        return int(named)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    num_gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    return max(1, num_gpus if visible is None else len([name for name in visible.split(",") if name.strip()]))


def _torchrun(command: list[str], num_processes: int, among_machines: bool) -> int:
    """Run under torchrun; return the exit status of the process that failed first, or 0."""
    # What a process has to say it prints itself; torchrun would add reports of its own.
    logging.disable(logging.ERROR)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // num_processes)))
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", str(SECONDS_TO_SAVE))
    # Else the addresses of the processes before a restart would be found by those after it.
    os.environ.setdefault("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "1")
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    machines = [] if among_machines else ["--standalone", "--nnodes=1"]
    handled = ",".join(number.name for number in SIGNALS)
    try:
        run.main([*machines, f"--nproc-per-node={num_processes}", f"--signals-to-handle={handled}", *command])
    except SignalException:
        # The processes were asked and have saved; after a second signal they end with this one.
        return STOPPED
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:
            print(_killed(rank, failure.exitcode), file=sys.stderr)
        return failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode
    return 0


def _killed(rank: int, exitcode: int) -> str:
    name = signal.Signals(-exitcode).name
    advice = ". The machine may have run out of memory (dmesg tells)" if name == "SIGKILL" else ""
    return f"error: process {rank} was ended by {name}{advice}; run the same command again to go on"


def keep_freed_memory() -> None:
    """Have processes that are started from now on use the memory of freed tensors again.

    Otherwise glibc gives each large block back, and the system clears every page of the next one anew. What the
    environment already sets stays.
    """
    for name, value in MALLOC_SETTINGS.items():
        os.environ.setdefault(name, value)


def end_with_parent() -> None:
    """Have the system end this process with torchrun, or it would train on in a folder that another run takes over."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
