"""Commands as a user starts them, each a process of its own, that need not import torch and its like anew.

A server, one for each process of the tests, has imported other people's libraries and nothing of ours, started no
thread and read no data. It forks for each command; what is forked gets the arguments, folder, environment, input,
output and group of processes of a fresh process, imports our code itself and ends by itself. So exit status, signals,
messages and files are those of `python ARGUMENT ...`.

What is not so: the seed of hashes is the server's, /proc/PID/environ and cmdline too, and libraries have read
their variables of the environment already, which therefore have to be the server's (else ValueError). Real processes
are for tests of these and of how a process begins: what is imported and when, engine.launch and torchrun, *.sh, marks
in the environment by which processes are found and killed (tests/endurance), a hub's address, a kernel of Jupyter.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVER = Path(__file__).with_name("forking_server.py")
READ_ON_IMPORT = (
    "CUDA", "HF_", "HOME", "HUGGING", "LC_", "LANG", "MALLOC_", "MKL_", "MPL", "OMP_", "OPENBLAS_", "PYTHON",
    "TOKENIZERS_", "TORCH_", "TRANSFORMERS_", "XDG_",
)  # fmt: skip
"""How names of variables begin that Python and libraries may read when they start; PYTHONPATH is not among them.

Nor is KMP_: scikit-learn itself sets such variables, here and in the server, when it is imported.
"""
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
}  # fmt: skip
"""What commands of tests are given beyond the environment of the tests: our code, one thread, no network."""
KNOWN = {**os.environ, **ENVIRONMENT}
"""The environment of the server, before any test changes its own."""


class Started:
    """A command that was started; its output is kept in files, so that it never waits for a reader."""

    def __init__(self, pid: int, answers: socket.socket, outputs: tuple[Path, Path]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._answers = answers
        self._outputs = outputs

    @property
    def stdout(self) -> str:
        """What was printed until now."""
        return self._outputs[0].read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        """What was printed as errors until now."""
        return self._outputs[1].read_text(encoding="utf-8")

    def poll(self) -> int | None:
        """Return the exit status, negative after a signal, or None while the command runs."""
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            self._read_status()
        return self.returncode

    def wait(self, timeout: float = 200) -> int:
        """Wait for the end; return the exit status. Raises TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            self._read_status()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float = 200) -> tuple[str, str]:
        """Wait for the end; return all output and all errors. Raises TimeoutExpired."""
        self.wait(timeout)
        return self.stdout, self.stderr

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal unless the command has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _read_status(self) -> None:
        self.returncode = int(self._answers.recv(64))
        self._answers.close()


def start(
    arguments: Sequence[object],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    start_new_session: bool = False,
) -> Started:
    """Start `python ARGUMENT ...`, a file, -m MODULE or -c CODE, with nothing to read.

    `env` is the whole environment; otherwise it is the tests' with ENVIRONMENT.
    """
    environment = {**os.environ, **ENVIRONMENT} if env is None else dict(env)

    differing = sorted(
        name for name in environment.keys() | KNOWN.keys()
        if name.startswith(READ_ON_IMPORT) and name != "PYTHONPATH" and environment.get(name) != KNOWN.get(name)
    )  # fmt: skip
    if differing:
        raise ValueError(f"{', '.join(differing)}: the server has other values; start a process with subprocess")
    ignored = [number.name for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
               if signal.getsignal(number) == signal.SIG_IGN]  # fmt: skip
    request = {
        "arguments": [*map(str, arguments)],
        "cwd": str(cwd),
        "env": environment,
        "session": start_new_session,
        "ignored": ignored,
    }
    control, folder = _server()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outputs = tuple(Path(tempfile.mkstemp(dir=folder, suffix=suffix)[1]) for suffix in (".stdout", ".stderr"))
    with theirs, Path(os.devnull).open("rb") as nothing, outputs[0].open("ab") as out, outputs[1].open("ab") as err:
        descriptors = [theirs.fileno(), nothing.fileno(), out.fileno(), err.fileno()]
        socket.send_fds(control, [json.dumps(request).encode()], descriptors)
    return Started(int(ours.recv(64)), ours, (outputs[0], outputs[1]))


def run(
    arguments: Sequence[object], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None, timeout: float = 200
) -> "subprocess.CompletedProcess[str]":
    """Run `python ARGUMENT ...` as start does until it ends; return what subprocess.run would."""
    started = start(arguments, cwd=cwd, env=env)
    stdout, stderr = started.communicate(timeout)
    return subprocess.CompletedProcess([*map(str, arguments)], started.wait(), stdout, stderr)


@cache
def _server() -> tuple[socket.socket, Path]:
    """Start the server of this process of tests; return what it reads requests from and a folder for output."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, str(SERVER), str(theirs.fileno())],
            # Else Arrow, which scikit-learn and pymilvus import, would start a thread.
            env={name: value for name, value in KNOWN.items() if name != "PYTHONPATH"}
            | {"JE_ARROW_MALLOC_CONF": "background_thread:false"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    folder = tempfile.TemporaryDirectory(prefix="commands_")

    @atexit.register
    def end() -> None:
        ours.close()
        server.wait()
        folder.cleanup()

    return ours, Path(folder.name)
