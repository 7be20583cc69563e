"""A Milvus that runs by itself gives what FAISS gives, command by command."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import uuid
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.endurance.processes import MARK, kill_marked
from tests.endurance.trial import TrialResult
from tests.endurance.workplace import REPOSITORY, Workplace
from tests.tiny_embeddings import HALF, write_embeddings

PACKAGES = ("setuptools<80", "milvus==2.3.5")
"""The server as a program of one file; it imports pkg_resources."""
PATIENCE = 180.0
"""Seconds for the server to answer."""
NUM_ITEMS = 400
THRESHOLD = "6"
SEARCHED = ("levi's-501", "back\\slash", "100%", "item17", "item250")


def milvus_trial(place: Workplace, seed: int) -> list[TrialResult]:
    """Start a server, then build, search, group and change an index through the commands, on it and with FAISS."""
    started = time.perf_counter()
    folder = place.root / "milvus"
    folder.mkdir()
    installed = _install(folder / "venv")
    if installed:
        return [TrialResult("milvus", "installed", 1, 0, installed, 0.0, was_skipped=True)]
    try:
        with _server(folder) as address:
            results = {
                name: _work(folder / name, seed, more)
                for name, more in (("faiss", []), ("milvus", ["--backend", "milvus", "--address", address]))
            }
    except TimeoutError as error:
        return [TrialResult("milvus", "started", 1, 0, "none", time.perf_counter() - started, (str(error),))]
    faults = tuple(
        f"{step}: {name} ended with {own[0]}: {own[1]}"
        for name, steps in results.items()
        for step, own in steps.items()
        if own[0]
    ) + tuple(
        f"{step}: differs from that of FAISS"
        for step in results["faiss"]
        if results["faiss"][step] != results["milvus"][step]
    )
    count = len(results["faiss"])
    figure = f"{NUM_ITEMS} items: ids, margins and groups of a server are those of FAISS"
    wrong = sum(results["faiss"][step] != results["milvus"][step] for step in results["faiss"])
    return [TrialResult("milvus", "compared", count, count - wrong, figure, time.perf_counter() - started, faults)]


def _install(folder: Path) -> str:
    """Install the server beside everything else; return why that cannot be done, or nothing."""
    venv.create(folder, with_pip=True)
    ended = subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "-q", *PACKAGES], capture_output=True, text=True
    )
    return f"pip cannot install {PACKAGES[1]}: {ended.stderr.strip()[-80:]}" if ended.returncode else ""


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Run the server and give its address on this machine once it answers; its other ports have to be free."""
    mark = uuid.uuid4().hex
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "server.txt").open("wb") as output:
        process = subprocess.Popen(
            [folder / "venv" / "bin" / "milvus-server", "--data", folder / "data", "--proxy-port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, MARK: mark},
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"the server does not answer; are its ports taken? {folder / 'server.txt'}")
            time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        # What answers is a process that this one has started, and would outlive it.
        kill_marked(mark)
        process.wait()


def _answers(port: int) -> bool:
    """Whether a client gets an answer, which takes longer than for the port to be open."""
    question = f"from pymilvus import MilvusClient as C; C('http://127.0.0.1:{port}', timeout=5).list_collections()"
    return subprocess.run([sys.executable, "-c", question], capture_output=True).returncode == 0


def _work(folder: Path, seed: int, more: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Return how each command ended and what it made, by what it did."""
    embeddings, index, out = folder / "e", folder / "i", folder / "out"
    packed = _numbers(seed)
    ids = [*SEARCHED[:3], *(f"item{row}" for row in range(3, NUM_ITEMS))]
    results = {}
    for name, rows in (("built", slice(0, 350)), ("changed", slice(50, 400)), ("back", slice(0, 400))):
        write_embeddings(embeddings, packed[rows] if name != "back" else packed[::-1], ids[rows], shard_items=64)
        status, text = _run("index", embeddings, index, *more)
        results[f"index {name}"] = (status, text if status else text.splitlines()[-1])
        searched = [item_id for item_id in SEARCHED if item_id in ids[rows]]
        results[f"search {name}"] = _run("search", index, *searched, "-k", "40", "--threshold", "0", "--jsonl")
        status, text = _run("duplicates", index, out, "--threshold", THRESHOLD)
        results[f"duplicates {name}"] = (status, text if status else (out / "groups.jsonl").read_text("utf-8"))
    results["groups there are"] = (int(not json.loads(results["duplicates built"][1].splitlines()[0])), "")
    return results


def _numbers(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Draw embeddings of products with a few listings each, some of them equal."""
    rng = np.random.default_rng(seed)
    products = rng.standard_normal((NUM_ITEMS // 4, 2 * HALF), np.float32)
    packed = products[rng.integers(len(products), size=NUM_ITEMS)]
    packed[::3] += 0.1 * rng.standard_normal(packed[::3].shape, np.float32)
    packed[:, :HALF] *= 0.1
    return packed


def _run(*arguments: str | Path) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "scripts", "catalogue", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return ended.returncode, ended.stderr.strip() if ended.returncode else ended.stdout
