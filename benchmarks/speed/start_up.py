"""How long whole commands take until they answer."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tqdm import trange

from benchmarks.speed.bench import Bench
from benchmarks.speed.record import BenchmarkRow, Limit, Timing
from tests.endurance.peak_memory import peak_bytes
from tests.endurance.workplace import REPOSITORY
from tools.preparation.demo.catalogue import DemoSettings
from tools.preparation.demo.write import is_demo_data, write_demo_data

OPTION_FILE = REPOSITORY / "options" / "demo.yml"


def demo_options(work: Path, num_items: int) -> tuple[Path, tuple[str, ...]]:
    """Make the demo's data in the folder unless it is there; return the option file and what leads it there."""
    folder = work / "datasets" / "demo"
    if not is_demo_data(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_demo_data(DemoSettings(folder, items=num_items))
    files = [
        f"data.{split}.{name}={folder}/{file}"
        for split in ("train", "val", "test")
        for name, file in (
            ("items", f"item_{split}_info.jsonl"),
            ("pairs", f"item_{split}_pair.jsonl"),
            ("images", "item_images"),
        )
    ]
    return OPTION_FILE, (*files, f"data.text.tokenizer={folder}/tokenizer")


GLANCE = 0.002
"""Seconds between two looks at a command."""
LONGEST_COMMAND = 600.0
IMPORTS = ("-c", "import torch, torchvision, timm, transformers")
NOTHING = ("-c", "pass")
FIRST_STEP = ("train.steps=1", "train.log_every=1", "log.tensorboard=false")


def measure_start_up(bench: Bench) -> list[BenchmarkRow]:
    """Measure --help, an option error and the way to the first training step."""
    settings = bench.settings
    demo, files = demo_options(settings.work, settings.demo_items)
    train = str(REPOSITORY / "train.py")
    run = partial(_interleaved, settings.rounds, settings.work, settings.threads)
    everything = "the start of a program that imports torch, torchvision, timm and transformers first"
    rows = []
    for title, arguments in (("--help", ("--help",)), ("an option error", (str(demo), "train.stepz=1"))):
        ours, plain, least = run(((train, *arguments), IMPORTS, NOTHING), ("", "", ""))
        limit = Limit("Python that does nothing", least.median)
        rows.append(BenchmarkRow("start-up", f"train.py: {title}", "commands", 1, ours, everything, plain, limit))
    step = (str(demo), *files, *FIRST_STEP)
    reference = ("-m", "benchmarks.speed.reference", *step)
    ours, plain, least = run(((train, *step), reference, IMPORTS), ("step 1/1", "step 1/1", ""))
    title = "train.py: the first step of the demo is logged"
    limit = Limit("the imports of torch, torchvision, timm and transformers", least.median)
    plainly = "the same data and model, and a plain step without run folder, records and loader process"
    rows.append(BenchmarkRow("start-up", title, "commands", 1, ours, plainly, plain, limit))
    return rows


def run_until(arguments: Sequence[str], said: str, folder: Path, threads: int) -> tuple[float, int]:
    """Run Python until it says something, or to its end; return the seconds and its most memory.

    Raises RuntimeError where it ends without having said it, or does neither.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
    }
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        peak = 0
        try:
            while True:
                has_ended = process.poll() is not None
                seconds = time.perf_counter() - started
                if has_ended and not said:
                    return seconds, peak
                peak = max(peak, peak_bytes(process.pid))
                text = os.pread(output.fileno(), 1 << 20, 0).decode(errors="replace") if said else ""
                if said and said in text:
                    return seconds, peak
                if has_ended or seconds > LONGEST_COMMAND:
                    raise RuntimeError(f"{' '.join(arguments)} did not say {said!r}: {text[-2000:]}")
                time.sleep(GLANCE)
        finally:
            process.kill()
            process.wait()


def _interleaved(
    rounds: int, folder: Path, threads: int, commands: Sequence[Sequence[str]], said: Sequence[str]
) -> list[Timing]:
    found: list[list[tuple[float, int]]] = [[] for _ in commands]
    for number in trange(
        rounds + 1, desc="start-up", unit="round", leave=False
    ):  # the first round fills the system's caches
        for of_command, command, word in zip(found, commands, said, strict=True):
            name = [f"name=start_{number}"] if word else []
            of_command.append(run_until([*command, *name], word, folder, threads))
    return [
        Timing(tuple(seconds for seconds, _ in runs[1:]), max(peak for _, peak in runs[1:]))
        for runs in found
    ]  # fmt: skip
