"""The command as a user starts it, on two machines that share their files alone."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.experiment import ExperimentOptions
from engine.run_folder import run_folder
from options.read import read_options
from options.yaml_values import to_yaml
from tests.engine.conftest import ALONE, fresh_state, save
from tests.tiny_data import option_tree, write_lines
from tools.catalogue.embedder import run_embedding
from tools.catalogue.embedding_folder import open_embeddings
from tools.catalogue.embedding_job import EmbeddingJob

ROOT = Path(__file__).parents[2]
CHOICE = "predict.checkpoint=latest"


def tiny_options() -> ExperimentOptions:
    return read_options(ExperimentOptions, Path("tiny.yml"), [CHOICE])


@pytest.fixture
def job(tmp_path: Path, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddingJob:
    """A catalogue of 1,200 items, in a folder with tiny.yml and a checkpoint."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yml").write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    save(run_folder("tiny").checkpoints, fresh_state(tiny_options()))
    lines = [json.loads(line) for line in (tiny_dataset / "item_test_info.jsonl").read_text().splitlines()]
    items = [{**line, "item_id": f"{line['item_id']}-{copy}"} for copy in range(30) for line in lines]
    file = write_lines(tmp_path / "items.jsonl", items)
    return EmbeddingJob(file, tiny_dataset / "images", tmp_path / "out", "float16", 20)


def start(job: EmbeddingJob, machine: int, machines: int, num_processes: int) -> subprocess.Popen[str]:
    arguments = [*map(str, (job.items, job.images, job.out)), "--type", job.type, "--shard-items", "20", CHOICE]
    command = ["-m", "engine.launch", "--apart", str(ROOT / "scripts/embed_items.py"), "tiny.yml"]
    return subprocess.Popen(
        [sys.executable, *command, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
            "PET_NNODES": str(machines), "PET_NODE_RANK": str(machine), "NPROC": str(num_processes),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip


def wait_for(file: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith(".")}


def test_two_machines_write_the_bytes_of_one_also_where_one_is_killed_and_started_again(job: EmbeddingJob) -> None:
    # Under torchrun, with two processes, and as a process alone: these take shards 0, 2, 4, ... and 1, 3, 5, ...
    first, second = start(job, 0, 2, num_processes=2), start(job, 1, 2, num_processes=1)
    wait_for(job.out / "shard_00003.json", second)
    os.killpg(second.pid, signal.SIGKILL)
    second.communicate()
    kept = {*job.out.glob("shard_*.json")}
    assert job.out / "shard_00059.json" not in kept
    second = start(job, 1, 2, num_processes=1)
    _, stderr = second.communicate(timeout=120)
    assert second.returncode == 0, stderr
    stdout, stderr = first.communicate(timeout=120)
    assert first.returncode == 0, stderr
    assert stdout.splitlines()[0].endswith(
        "out: 1,200 items in 60 shards, 16 threshold and 16 match numbers each, float16"
    )
    alone = replace(job, out=job.out.with_name("alone"))
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run_embedding(tiny_options(), alone, ALONE)
    torch.set_num_threads(num_threads)
    assert content(job.out) == content(alone.out)


def test_a_command_that_is_told_to_stop_ends_with_status_75_and_goes_on_when_run_again(job: EmbeddingJob) -> None:
    process = start(job, 0, 1, num_processes=1)
    wait_for(job.out / "shard_00002.json", process)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "of 1,200 items are kept" in stderr
    assert "Traceback" not in stderr
    num_kept = 20 * len(list(job.out.glob("shard_*.json")))
    embedding = run_embedding(tiny_options(), job, ALONE)
    assert embedding is not None
    assert embedding.num_kept == num_kept < 1200
    assert len(open_embeddings(job.out)) == 1200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: ITEMS, IMAGES, OUT"),
        (["a", "b", "c", "--type", "float64"], "invalid choice: 'float64'"),
        (["a", "b", "c", "--shard-items", "0"], "'0' is no whole number of at least 1"),
    ],
)
def test_wrong_arguments_end_with_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from scripts.embed_items import parser

    with pytest.raises(SystemExit) as ended:
        parser().parse_intermixed_args(["tiny.yml", *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
