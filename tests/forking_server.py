"""The server of tests/command_server.py: imports other people's libraries and forks for each command."""

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
import sys
import threading
from contextlib import suppress
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
