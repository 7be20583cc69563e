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
import builtins
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.machinery import BuiltinImporter, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = (
    "faiss", "matplotlib.figure", "matplotlib.font_manager", "numpy", "orjson", "PIL.GifImagePlugin", "PIL.ImageCms",
    "PIL.TiffImagePlugin", "pydantic.json_schema", "pydantic.main", "pydantic.type_adapter", "pymilvus",
    "safetensors.torch", "sklearn.feature_extraction.text", "sklearn.linear_model", "timm", "torch", "torch._dynamo",
    "torch.distributed", "torch.utils.data", "torch.utils.tensorboard", "torchvision", "tqdm",
    "transformers.models.auto.tokenization_auto", "transformers.models.bert.modeling_bert", "typer", "yaml",
)  # fmt: skip
"""Without onnxruntime, which starts a thread when it is imported."""
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
            [sys.executable, __file__, str(theirs.fileno())],
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


def _serve(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Fork for each request and tell each command's process and exit status; returns in what is forked alone."""
    for library in LIBRARIES:
        with suppress(ModuleNotFoundError):
            importlib.import_module(library)
    ours = [
        name for name, module in sys.modules.items() if _lies_here(module) and name not in ("__main__", "__mp_main__")
    ]
    assert not ours, f"a command would not import these itself: {ours}"
    assert len([*Path("/proc/self/task").iterdir()]) == 1, "what is forked would wait for threads that it does not have"
    gc.collect()
    gc.freeze()
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for descriptor in select.select([control.fileno(), *running], [], [])[0]:
            if descriptor in running:
                pid, answers = running.pop(descriptor)
                answers.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
                answers.close()
                os.close(descriptor)
                continue
            message, descriptors, _, _ = socket.recv_fds(control, 1 << 20, 4)
            if not message:  # the tests have ended
                for pid, _ in running.values():
                    os.kill(pid, signal.SIGKILL)
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                return json.loads(message), descriptors[1:]
            for copied in descriptors[1:]:
                os.close(copied)
            answers = socket.socket(fileno=descriptors[0])
            answers.send(str(pid).encode())
            running[os.pidfd_open(pid)] = (pid, answers)


def _lies_here(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(ROOT) and "site-packages" not in file


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Give this forked process what a fresh one would have, and run the command."""
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
    os.closerange(3, 1024)
    if request["session"]:
        os.setsid()
    for name in ("SIGHUP", "SIGINT", "SIGTERM", "SIGUSR1"):
        usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
        signal.signal(signal.Signals[name], signal.SIG_IGN if name in request["ignored"] else usual)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.modules["numpy"].random.seed()
    first, *others = request["arguments"]
    folder = {"-m": request["cwd"], "-c": ""}.get(first, str(Path(first).absolute().parent))
    ours = [str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [folder, *ours, *sys.path[1:]]
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    sys.modules["__main__"] = sys.modules["__mp_main__"] = main = ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __annotations__={})
    if first == "-m":
        sys.argv[:] = others
        runpy._run_module_as_main(others[0])  # as `python -m` does
        return
    main.__loader__ = BuiltinImporter if first == "-c" else SourceFileLoader("__main__", first)
    if first != "-c":
        main.__file__ = str(Path(first).absolute())
        main.__dict__["__cached__"] = None
    sys.argv[:] = ["-c", *others[1:]] if first == "-c" else [first, *others]
    code = others[0] if first == "-c" else Path(first).read_text(encoding="utf-8")
    exec(compile(code, "<string>" if first == "-c" else main.__file__, "exec"), main.__dict__)


def _end(status: int) -> None:
    """End as Python does, but leave it to the system to free what the libraries hold, which else takes most of 1 s."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    try:
        _become(*_serve(socket.socket(fileno=int(sys.argv[1]))))
    except SystemExit as ending:
        if not isinstance(ending.code, int | None):
            raise
        _end(ending.code or 0)
    _end(0)
