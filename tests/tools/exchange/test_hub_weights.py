"""The command against a hub of its own on this machine, which serves what the real one would."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlparse

import pytest

from engine.experiment import ExperimentOptions
from options.read import read_options

ROOT = Path(__file__).parents[3]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SWIN = "timm/swin_large_patch4_window12_384.ms_in22k"
ROBERTA = "hfl/chinese-roberta-wwm-ext"
WEIGHTS = bytes(range(256)) * 4000


class Hub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fetched: list[str] = []
        self.damaged = False
        self.repositories = {
            SWIN: {"config.json": b"{}", "model.safetensors": WEIGHTS, "pytorch_model.bin": WEIGHTS},
            ROBERTA: {
                "config.json": b'{"model_type": "bert"}',
                "vocab.txt": b"[PAD]\n",
                "tokenizer_config.json": b"{}",
                "pytorch_model.bin": WEIGHTS[::-1],
                "tf_model.h5": WEIGHTS,
                "README.md": b"# RoBERTa",
            },
        }

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlparse(self.path).path
        for repository, files in self.server.repositories.items():
            if path == f"/api/models/{repository}":
                self._answer(json.dumps(self._listing(repository, files)).encode(), {})
                return
            name = path.removeprefix(f"/{repository}/resolve/{COMMIT}/")
            if name in files:
                self._file(f"{repository}/{name}", files[name])
                return
        self._answer(b"", {}, 404)

    def _listing(self, repository: str, files: dict[str, bytes]) -> dict[str, object]:
        siblings = [
            {
                "rfilename": name,
                "size": len(content),
                "blobId": "0",
                **({"lfs": lfs(content)} if len(content) > 100 else {}),
            }
            for name, content in files.items()
        ]
        return {"id": repository, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "siblings": siblings}

    def _file(self, name: str, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        if self.command == "GET":
            self.server.fetched.append(name)
            if self.server.damaged:
                content = bytes(len(content))
        self._answer(content, {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"})

    def _answer(self, content: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def lfs(content: bytes) -> dict[str, object]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 130}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def download(folder: Path, endpoint: str, *arguments: str) -> tuple[int, str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environment = {
        **kept, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "home"),
        "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    command = [sys.executable, "-m", "scripts", "exchange", "download-weights", *arguments]
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)
    return finished.returncode, finished.stdout, finished.stderr


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_both_backbones_are_fetched_with_only_what_is_needed(tmp_path: Path, hub: Hub) -> None:
    status, stdout, stderr = download(tmp_path, hub.address)
    assert status == 0, stderr
    swin, roberta = (tmp_path / "weights" / name.split("/")[1] for name in (SWIN, ROBERTA))
    assert files(swin) == ["config.json", "model.safetensors"]
    assert files(roberta) == ["config.json", "pytorch_model.bin", "tokenizer_config.json", "vocab.txt"]
    assert (swin / "model.safetensors").read_bytes() == WEIGHTS
    assert (roberta / "pytorch_model.bin").read_bytes() == WEIGHTS[::-1]

    # The overrides that it prints are options, and with them no name is left that the hub would be asked for.
    overrides = [line.strip(" \\") for line in stdout.splitlines() if line.startswith("  ")]
    options = read_options(ExperimentOptions, ROOT / "options/63_grad_clip_norm_0.5.yml", overrides)
    assert [name for name in options.hub_names if not (tmp_path / name).exists()] == []

    num_fetched = len(hub.fetched)
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    status, stdout, _ = download(tmp_path, "http://127.0.0.1:9")
    assert status == 0
    assert stdout.count("stands already") == 2
    assert len(hub.fetched) == num_fetched


def test_damaged_weights_are_deleted_and_fetched_again(tmp_path: Path, hub: Hub) -> None:
    hub.damaged = True
    status, _, stderr = download(tmp_path, hub.address, "out")
    assert status == 2
    assert "model.safetensors: deleted, because it was damaged" in stderr
    assert files(tmp_path / "out" / SWIN.split("/")[1]) == []
    hub.damaged = False
    status, _, stderr = download(tmp_path, hub.address, "out")
    assert status == 0, stderr


@pytest.mark.parametrize("case", ["no hub", "no repository", "no file"])
def test_what_cannot_be_fetched_is_one_message_and_status_2(tmp_path: Path, hub: Hub, case: str) -> None:
    if case == "no repository":
        del hub.repositories[ROBERTA]
    if case == "no file":
        del hub.repositories[ROBERTA]["vocab.txt"]
    status, _, stderr = download(tmp_path, "http://127.0.0.1:9" if case == "no hub" else hub.address)
    assert status == 2
    assert "Traceback" not in stderr
    name, advice = {
        "no hub": (SWIN, "set HF_ENDPOINT to a mirror"),
        "no repository": (ROBERTA, "set HF_ENDPOINT to a mirror"),
        "no file": (ROBERTA, "the hub has no vocab.txt there"),
    }[case]
    assert f"error: {name}: " in stderr
    assert advice in stderr
